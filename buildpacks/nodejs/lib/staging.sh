# shellcheck shell=bash
# What every script of a buildpack needs: output as Cloud Foundry's buildpacks write it, tools of the machine, config.yml.
# Each buildpack carries its own copy, because each is shipped as an archive of its own. bash 3.2 or newer.

step() { printf -- '-----> %s\n' "$*"; }

info() { printf '       %s\n' "$*"; }

warn() { printf '       **WARNING** %s\n' "$*"; }

# Ends the script: the build has failed for the reason given.
fail() {
  printf -- '-----> %s\n' "$*"
  exit 1
}

# Indents the output of a command, line by line as it comes.
indent() {
  local line
  while IFS= read -r line || [ -n "$line" ]; do printf '       %s\n' "$line"; done
}

# require_tool COMMAND HOW_TO_INSTALL
require_tool() {
  command -v "$1" >/dev/null 2>&1 ||
    fail "$1 was not found on this machine. $2, or choose another buildpack."
}

# quoted TEXT: the text as one word of a shell script.
quoted() {
  local rest=$1 result='' quote="'"
  while [[ $rest == *"$quote"* ]]; do
    result=$result${rest%%"$quote"*}$quote\\$quote$quote
    rest=${rest#*"$quote"}
  done
  printf "'%s'" "$result$rest"
}

# write_config DEPS_DIR INDEX NAME VERSION: how a buildpack tells the platform what it is (libbuildpack, stager.go).
write_config() {
  mkdir -p "$1/$2"
  printf 'name: %s\nversion: "%s"\nconfig: {}\n' "$3" "$4" >"$1/$2/config.yml"
}
