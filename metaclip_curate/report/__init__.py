"""The report of a run: OUT/report.html and OUT/figures, from sums that `stages.report` gathers.

`facts` is what a report shows; `histograms` and `grid` turn entry counts into curves; `charts` says how they are drawn,
`figures` draws them; `page` puts the page together.
"""
