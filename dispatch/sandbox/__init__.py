"""Serves SP-API Services v1 and Login with Amazon locally, with their real rules.

``python manage.py sandbox --port 8787 [--jobs 400] [--sellers 1] [--seed 7] [--state FILE]``, or
inside a test:
``with dispatch.sandbox.server.SandboxServer(jobs=50, rate_limits=False) as sandbox: sandbox.url``.

The application is ``amzn1.application-oa2-client.sandbox`` with secret ``sandbox-secret``; its
sellers are the refresh tokens ``Atzr|sandbox`` (US) and ``Atzr|sandbox-de`` (DE). With
``--sellers N`` (``SandboxServer(sellers=N)``) there are further US ones, ``Atzr|sandbox-2``
(selling partner ``A2SANDBOXUS002``) to ``Atzr|sandbox-N``: the first two share ``--jobs`` jobs,
every further one has as many of its own. Consent pages are at ``/apps/authorize/consent``,
tokens at ``/auth/o2/token``, the API at ``/service/v1/``.

Controls, all JSON:

``GET /_sandbox/state``
    ``now``, ``sellers``, ``jobs`` (each a ServiceJob, with ``_sandbox`` for what Amazon keeps to
    itself: ``lastUpdated``, ``fulfillment`` by appointment, ``cancellationCode`` …),
    ``resources``, ``reservations``, ``documents``, ``calls`` (the last 10,000:
    ``operation``, ``status``, ``at``; status 0 where the connection was cut before the work),
    and ``unanswered``, how many requests to the API, for tokens and uploads are worked on now.
``POST /_sandbox/scenario``
    Replaces the world, authorisations and token buckets included; nothing lives in it. Keys, all
    optional: ``now`` (ISO 8601: the clock stands still there; null: the real clock), ``jobs``,
    ``resources``, ``cancellationReasonCodes``, ``rescheduleReasonCodes``, ``unauthorizedJobIds``
    (they belong to somebody else), ``slots`` (as ``POST /_sandbox/slots`` takes them),
    ``overbookedResourceIds``, ``reservations`` (``{"resourceId", "reservation"}``),
    ``documents`` (``{"uploadDestinationId",
    "uploaded", "contentSha256", "expires", "problem": "length" | "malware" | "md5" | "type" |
    "too_long" | "decryption"}``), ``requireFulfillment`` (default false), ``tokenSeconds``
    (default 3600). A resource may carry ``skills``, ``storeIds``, ``serviceLocationTypes``,
    ``backgroundCheck`` ("INCOMPLETE"), ``workingHours``, ``schedules``, ``marketplaceId``; what
    it leaves out does not restrict it. Everything goes to the US seller but jobs whose
    ``seller.sellerId`` is that of another one, and jobs and resources with another
    ``marketplaceId``. Every full hour of UTC is a slot with room for 20.
``POST /_sandbox/faults``
    Replaces the list of faults; ``[]`` clears. ``{"operation": id, "*", "token" or "upload",
    "kind", "status", "seconds", "times": 1}``, ``times`` null until cleared. Kinds: ``status``,
    ``latency``, ``drop``, ``drop_after_commit``, ``html``, ``empty``, ``array``,
    ``garbage_json``, ``errors_200``, ``wrong_types`` (fields of the wrong JSON types), ``huge``
    (24 MiB, packed small), ``endless_pages`` (the first page for ever, each time with a new
    token), ``expired_token``. ``seconds`` pass first: with ``latency`` (default 1) before the
    work, with ``drop`` before the cut, with ``drop_after_commit`` between work and cut; a new list
    ends what is left of them. A request meets the first fault that fits. ``GET`` shows those still
    to come.
``POST /_sandbox/tokens``
    ``{"refresh_token", "state": "revoked" | "active", "role": "lost" | "granted",
    "expireAccessTokens": true}``.
``POST /_sandbox/settings``
    ``{"rateLimits": bool, "now": ISO 8601 or null}``.
``POST /_sandbox/jobs``
    A ServiceJob or a list: put over the fields of a known one, whoever it belongs to, or in: for
    the seller whose selling-partner id is the job's ``seller.sellerId``, else for the one of its
    ``marketplaceId``. Updated now.
``POST /_sandbox/slots``
    ``{"startTime", "capacity": 0, "serviceJobId"?}``: a slot's room from now on.
"""
