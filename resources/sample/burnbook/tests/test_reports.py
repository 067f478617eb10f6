"""Run with: python3 -m unittest tests.test_reports"""
import unittest

from reports.cover import mean_cover
from reports.smoke import allowed_winds, bearing
from reports.yearly import yearly


class ReportsTest(unittest.TestCase):
    def test_a_missing_plot_takes_the_mean_of_its_stratum(self):
        self.assertAlmostEqual(mean_cover([("ridge", 20.0), ("ridge", None), ("sandhill", 10.0)]), 50 / 3)

    def test_smoke_goes_where_the_wind_blows_to(self):
        self.assertAlmostEqual(bearing((0, 0), (100, 0)), 90)
        self.assertNotIn(270, allowed_winds((0, 0), [(100, 0)]))
        self.assertIn(90, allowed_winds((0, 0), [(100, 0)]))

    def test_burns_are_counted_by_year_and_season(self):
        burns = [{"date": "2022-04-03", "area_ha": "121"}, {"date": "2022-02-17", "area_ha": "236"}]
        self.assertEqual(yearly(burns), {2022: (2, 1, 357.0)})


if __name__ == "__main__":
    unittest.main()
