"""What the report shows of a run's tables, gathered by passes over them.

Each module gathers one kind of facts, which `report` turns into charts. Imports what `stages` may, and `report`.
"""
