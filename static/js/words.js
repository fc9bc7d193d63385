// The sentences that scripts show. The page brings them along in its language: they are written in
// dispatch/web/shell/script_words.py.
export const words = JSON.parse(document.getElementById("words").textContent);
