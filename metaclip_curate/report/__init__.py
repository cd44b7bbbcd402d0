"""The report of a run: OUT/report.html and OUT/figures, from the sums that `stages.report` gathers.

`facts` holds what a report shows, `histograms` and `grid` turn entry counts into curves, `charts` specifies how curves
are drawn and `chart_height` how high they are, `figures` draws them as pictures, `slider` has what the page computes
another t from, and `page` renders the page. Imports `run`, `publish`, `thresholds`, and what is below them.
"""
