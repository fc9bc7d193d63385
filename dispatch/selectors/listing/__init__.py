"""The list engine: how a list of jobs is filtered, sorted, paged and counted from indexes alone.

Neither SQLite nor PostgreSQL reads ``status IN (…) ORDER BY scheduled_key`` in the order of an
index, and neither knows how far apart the few matching rows of an ordered index lie. So this
package plans by itself, and hands the database short ranges of one index each.

One example: a dispatcher of one seller looks at the open jobs of a store that mention "jordan",
in order of their appointments.

Filter (`query`, `conditions`)
    A `JobQuery`: seller A, the three open statuses, `OneOf` store, `HasWords` "jordan".
Access paths (`access_paths`, `planner`)
    Three indexes lead to these jobs, each in order of ``scheduled_key`` once the columns before
    it, its prefix, are one value each:
      1. job word   (word_hash, status | scheduled_key, job)            covers word and status
      2. store      (seller, store_id, status | scheduled_key, id)      covers store and status
      3. schedule   (seller, status | scheduled_key, id, …)             covers status
    The planner counts the jobs of each path, but never past a bound. Say 40, 9,000 and 30,000:
    the first is taken. What it does not cover, the store, is the residual.
Page (`paging`, `cursors`)
    Three index scans, one for each status, each with the residual as a correlated look-up and
    LIMIT 51, are merged by UNION ALL, ORDER BY and LIMIT 51. The fifty keys fetch the rows; the
    51st says that there is a next page. Its cursor holds ``scheduled_key`` and id of the last row,
    and the scans of that page begin right there, however deep it lies.
Count (`counting`)
    The same path in no order, counted to 10,000 and with at most 5,000 look-ups: "40 jobs",
    "10,000+ jobs".

`facets` holds what occurs in a seller's jobs at all (statuses, zones, skills, stores), found by a
`skip_scan`; it makes the prefixes, so a status that Amazon invents is in them. `sql` puts the
scans together.

A new filter on one column needs an index of this form: ``seller``, the column, ``status``,
``scheduled_key``, ``id``. Columns with one value each come first, then the list's order, then the
key that breaks ties; what else a residual or a sort asks may follow, so that no row is read. A
filter with many values for each job needs no index of its own: it is another kind of
`JobReference`. Then `OneOf` or `HasReference` in the filter form is all, and one line in
``tests/selectors/listing/test_plans.py`` proves that no scan reads a whole table.
"""
