// The scripts of every page, one module for each behaviour. A browser that is given this file fetches
// the others; where files are collected, it holds them: dispatch/web/shell/bundles.py.
import "./theme.js";
import "./dialog.js";
import "./submit-once.js";
import "./network.js";
import "./presence.js";
import "./announce.js";
import "./ago.js";
import "./live.js";
import "./menus.js";
import "./filters.js";
import "./slots.js";
import "./shortcuts.js";
