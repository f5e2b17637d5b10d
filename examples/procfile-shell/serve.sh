#!/usr/bin/env bash
# Writes a page about this machine every few seconds, and serves it.
set -euo pipefail
cd "$(dirname "$0")"
refresh=${REFRESH_IN_SECONDS:-5}
index=${CF_INSTANCE_INDEX:-0}

command -v python3 >/dev/null || {
  echo 'python3 was not found on this machine; it serves the page.' >&2
  exit 1
}

escaped() { sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g'; }

section() {
  printf '<section><h2>%s</h2><pre>' "$1"
  shift
  "$@" 2>&1 | escaped || true
  printf '</pre></section>\n'
}

write_page() {
  {
    cat <<HTML
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="$refresh">
<title>Dashboard</title>
<style>
  body { margin: 0; padding: 2rem; background: #0d1117; color: #c9d7c4; font: 15px/1.5 ui-monospace, Menlo, Consolas, monospace }
  h1 { color: #7ee787; font-size: 1.3rem } h1::before { content: '\$ ' }
  h2 { font-size: .8rem; text-transform: uppercase; letter-spacing: .1em; color: #8b949e; margin: 0 0 .5rem }
  section { border: 1px solid #30363d; border-radius: .5rem; padding: 1rem; margin: 1rem 0; overflow-x: auto }
  pre { margin: 0 }
</style>
<h1>instance $index of a shell script</h1>
HTML
    section 'Now' date
    section 'System' uname -srm
    section 'Load' uptime
    section 'Disk' df -h .
    printf '</html>\n'
  } >site/next.html
  # Renamed, so that a reader gets the old page or the new one and never half of it.
  mv site/next.html site/index.html
}

mkdir -p site
write_page
(while sleep "$refresh"; do write_page; done) &
writer=$!

# The platform says where it reaches the instance; without one the script answers on this machine alone.
if [ -n "${PORT:-}" ]; then host=${CF_INSTANCE_INTERNAL_IP:-0.0.0.0}; else host=127.0.0.1; fi
python3 -u -m http.server "${PORT:-8000}" --bind "$host" --directory site &
server=$!

stop() {
  kill "$writer" "$server" 2>/dev/null || true
  wait
  exit 0
}
trap stop TERM INT
wait "$server"
kill "$writer"
exit 1
