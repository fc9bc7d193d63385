"""The sentences that scripts show: `static/js/words.js` reads them from the page, translated."""

from __future__ import annotations

from django.utils.html import json_script
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from dispatch.web.shell.fragments import drawn_once

WORDS = {
    "secondsAgo": _("{count} s ago"),
    "minutesAgo": _("{count} min ago"),
    "hoursAgo": _("{count} h ago"),
    "daysAgo": _("{count} d ago"),
    "close": _("Close"),
    "forbidden": _("You may not do that, or you were logged out. Reload the page."),
    "gone": _("That is not here any more. Reload the page."),
    "tooLarge": _("That file is too large."),
    "tooMany": _("Too many requests at once. Wait a moment, then try again."),
    "noConnection": _("No connection. Nothing on this page has changed."),
    "noAnswer": _(
        "No answer yet. What you typed is still here. Try again: the same form is never carried "
        "out twice."
    ),
    "broken": _("Something went wrong on our side. Try again."),
    "brokenWrite": _(
        "Something went wrong on our side. What you typed is still here. Try again: the same form "
        "is never carried out twice."
    ),
    "stillThere": _(
        "Are you still there? In a minute this page closes. Press a key or touch it to stay."
    ),
    "passkeyUnused": _("No passkey was used. Try again, or choose another way."),
    "passkeyHeld": _("This device already holds a passkey for your account."),
    "passkeyElsewhere": _("Passkeys work only at the address of this installation, over https."),
    "passkeyFailed": _("The passkey did not work. Try again, or choose another way."),
}
"""By the names that the scripts use; a number takes the place of ``{count}``."""


@drawn_once
def script_words() -> SafeString:
    """Return the sentences in the reader's language, as the JSON that ``words.js`` looks for."""
    return json_script({name: str(words) for name, words in WORDS.items()}, "words")
