# nvcc decides: the toolkit's headers alone are found even where nothing can be compiled for a GPU. A macro, so that
# what enable_language sets is seen by the caller.
#
# One binary for every card: machine code for each generation, and PTX of the newest for those to come. Of sm_90 the
# "a" form, which has Hopper's own instructions.
macro(enable_cuda)
  include(CheckLanguage)
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80-real 86-real 89-real 90a-real 120)
  endif()
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12)
      message(STATUS "nvcc ${CMAKE_CUDA_COMPILER_VERSION} is older than 12: built without CUDA")
      unset(CMAKE_CUDA_COMPILER)
    else()
      # CMake 3.25 does not know the option for C++20.
      if(CMAKE_VERSION VERSION_LESS 3.26 AND NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
        set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
        set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
        list(APPEND CMAKE_CUDA_COMPILE_FEATURES cuda_std_20)
      endif()
      set(CMAKE_CUDA_STANDARD 20)
      set(CMAKE_CUDA_STANDARD_REQUIRED ON)
      set(CMAKE_CUDA_EXTENSIONS OFF)
      find_package(CUDAToolkit REQUIRED)
      add_compile_options($<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr>)
    endif()
  endif()
endmacro()
