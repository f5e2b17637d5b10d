# Runs in the shell that starts the app; HOME is the app's folder.
export NODE_ENV="${NODE_ENV:-production}"

case ":$PATH:" in
*":$HOME/node_modules/.bin:"*) ;;
*) export PATH="$PATH:$HOME/node_modules/.bin" ;;
esac

# On request, keeps the heap at three quarters of the instance's memory, so that Node.js collects before the platform kills.
if [ "${OPTIMIZE_MEMORY:-}" = true ]; then
  case "${MEMORY_LIMIT:-}" in
  *[0-9]m | *[0-9]M) export NODE_OPTIONS="--max-old-space-size=$((${MEMORY_LIMIT%[mM]} * 3 / 4)) ${NODE_OPTIONS:-}" ;;
  *[0-9]g | *[0-9]G) export NODE_OPTIONS="--max-old-space-size=$((${MEMORY_LIMIT%[gG]} * 768)) ${NODE_OPTIONS:-}" ;;
  esac
fi
