"""Our copy of Amazon's jobs: how it is fetched, translated, stored and kept fresh.

Nothing here writes to Amazon; what people ask of the copy is in `dispatch.selectors`.
"""
