# shellcheck shell=bash
# Reads a Procfile: one `type: command` a line, comments and empty lines aside. bash 3.2 or newer.

# each_process PROCFILE FUNCTION: calls FUNCTION TYPE COMMAND for each entry, in the file's order.
# Returns 1 when a line is none, with that line in PROCFILE_FAULT.
each_process() {
  local line type command
  local entry='^([A-Za-z0-9_-]+):[[:space:]]+(.*[^[:space:]])[[:space:]]*$'
  local nothing='^[[:space:]]*(#.*|---)?$'
  PROCFILE_FAULT=''
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line%$'\r'}
    [[ $line =~ $nothing ]] && continue
    if ! [[ $line =~ $entry ]]; then
      PROCFILE_FAULT=$line
      return 1
    fi
    type=${BASH_REMATCH[1]} command=${BASH_REMATCH[2]}
    "$2" "$type" "$command"
  done <"$1"
}

# Prints one entry of default_process_types. A command that is quoted already is YAML as it stands.
release_process() {
  case $2 in
  \"*\" | \'*\') printf '  %s: %s\n' "$1" "$2" ;;
  *)
    local rest=$2 escaped='' quote="'"
    while [[ $rest == *"$quote"* ]]; do
      escaped=$escaped${rest%%"$quote"*}$quote$quote
      rest=${rest#*"$quote"}
    done
    printf "  %s: '%s'\n" "$1" "$escaped$rest"
    ;;
  esac
}

# release_procfile BUILD_DIR: the whole answer of bin/release for an app whose processes its Procfile names.
release_procfile() {
  if [ -f "$1/Procfile" ]; then
    printf -- '---\ndefault_process_types:\n'
    each_process "$1/Procfile" release_process
  else
    printf -- '---\ndefault_process_types: {}\n'
  fi
}
