/**
 * What runs an app's command, as the arguments of bash: sets the limit of open files, goes to the app's folder, sources what buildpacks
 * and app have to say about the environment (profile.d of the droplet, of the dependencies, of the app, then the app's
 * .profile), and turns into the command. Buildpacks that follow Cloud Foundry's convention have copied the scripts of
 * deps/<index>/profile.d to profile.d/<index>_<name>; those aren't sourced twice.
 * Source of the order: buildpackapplifecycle launcher/launcher_unix.go.
 */
export function launcherArguments(appDirectory: string, command: string, maxFileDescriptors: number): string[] {
  return ['-c', script, 'launcher', appDirectory, command, String(maxFileDescriptors)]
}

const script = `
ulimit -n "$3" 2> /dev/null || ulimit -n "$(ulimit -H -n)"
cd "$1" || exit 1
vcap_command=$2
set --
for vcap_script in ../profile.d/*; do
  [ -f "$vcap_script" ] && . "$vcap_script"
done
for vcap_script in ../deps/*/profile.d/*; do
  [ -f "$vcap_script" ] || continue
  vcap_index=\${vcap_script#../deps/}
  [ -f "../profile.d/\${vcap_index%%/*}_\${vcap_script##*/}" ] || . "$vcap_script"
done
for vcap_script in .profile.d/*; do
  [ -f "$vcap_script" ] && . "$vcap_script"
done
[ -f .profile ] && . ./.profile
unset vcap_script vcap_index
exec bash -c "$vcap_command"
`
