# shellcheck shell=bash
# Which python of the machine an app gets, and how the app finds it when it starts. bash 3.2 or newer.

# choose_interpreter BUILD_DIR: sets PYTHON to the path of the interpreter that runtime.txt asks for, else to python3.
choose_interpreter() {
  local wanted='' series='' candidate found=''
  local pattern='^python-([0-9]+)(\.([0-9]+))?(\.([0-9]+|x))?$'
  if [ -f "$1/runtime.txt" ]; then
    wanted=$(tr -d '[:space:]' <"$1/runtime.txt")
    [[ $wanted =~ $pattern ]] ||
      fail "runtime.txt says \"$wanted\". It must name a version of Python, for example python-3.11 or python-3.11.x."
    series=${BASH_REMATCH[1]}${BASH_REMATCH[2]}
  fi

  step 'Using the Python of this machine'
  info "runtime.txt: ${wanted:-unspecified}"
  for candidate in ${series:+"python$series"} python3 python; do
    PYTHON=$(command -v "$candidate") || continue
    # A name on the PATH may be a stand-in that starts nothing, so it counts once it has run.
    found=$("$PYTHON" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) || continue
    case $found. in
    "${series:-3}".*) break ;;
    esac
    found=''
  done

  if [ -z "$found" ]; then
    [ -n "$series" ] || fail 'python3 was not found on this machine. Install Python 3 (https://www.python.org), or choose another buildpack.'
    fail "python$series was not found on this machine. Install Python $series (https://www.python.org), change runtime.txt, or choose another buildpack."
  fi
  info "Python $found ($PYTHON)"
  case ${wanted#python-} in
  '' | *.x | "$found" | "$series") ;;
  *) warn "runtime.txt asks for ${wanted#python-}; this machine has $found." ;;
  esac
}

# write_launch_script DEPS_DIR/INDEX INDEX: takes the link to the machine's interpreter out of the environment and has the
# app's start put it back, so that the droplet holds no link that leads out of it.
write_launch_script() {
  local link name='' target=''
  for link in "$1"/python/bin/python*; do
    [ -L "$link" ] || continue
    case $(readlink "$link") in
    /*)
      name=$(basename "$link") target=$(readlink "$link")
      rm "$link"
      ;;
    esac
  done
  mkdir -p "$1/profile.d"
  {
    printf 'export VIRTUAL_ENV="$DEPS_DIR/%s/python"\n' "$2"
    if [ -n "$name" ]; then
      printf 'vcap_python=%s\n' "$(quoted "$target")"
      cat <<SCRIPT
if [ ! -x "\$vcap_python" ]; then
  echo "\$vcap_python, which this app was staged with, is not on this machine. Restage the app." >&2
elif [ ! -e "\$VIRTUAL_ENV/bin/$name" ]; then
  ln -s "\$vcap_python" "\$VIRTUAL_ENV/bin/$name" 2>/dev/null || [ -e "\$VIRTUAL_ENV/bin/$name" ] ||
    echo "\$VIRTUAL_ENV/bin/$name can't be made." >&2
fi
unset vcap_python
SCRIPT
    fi
    cat <<'SCRIPT'
case ":$PATH:" in
*":$VIRTUAL_ENV/bin:"*) ;;
*) export PATH="$VIRTUAL_ENV/bin:$PATH" ;;
esac
export PYTHONUNBUFFERED="${PYTHONUNBUFFERED:-1}"
SCRIPT
  } >"$1/profile.d/python.sh"
}
