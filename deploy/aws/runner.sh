# The entry point of the task in which a command runs: sh -c SCRIPT everyline ID TIMEOUT DIRECTORY COMMAND…
# Numbers the command's lines for the drain, and writes each so that CloudWatch can carry it: U+001E alone is an empty line,
# U+001E > a part of a line that goes on, U+001E = a line that begins with U+001E itself. Needs sh, awk and mkfifo.
id=$1 limit=$2 directory=$3
shift 3
interrupted= group=
stop() { [ -z "$group" ] || kill -s TERM -- "$group" 2>/dev/null; }
trap 'interrupted=1; stop' TERM INT
here=$(mktemp -d) && mkfifo "$here/output" || exit 126
interactive=
case $(awk -W version 2>&1 </dev/null) in mawk*) interactive='-W interactive' ;; esac
LC_ALL=C awk $interactive -v id="$id" '
  function put(text) { lines++; print text }
  {
    rest = $0
    while (length(rest) > 8192) {
      cut = 8192
      while (cut > 8188 && substr(rest, cut + 1, 1) >= "\200" && substr(rest, cut + 1, 1) < "\300") cut--
      put("\036>" substr(rest, 1, cut))
      rest = substr(rest, cut + 1)
    }
    if (rest == "") put("\036")
    else if (substr(rest, 1, 1) == "\036") put("\036=" rest)
    else put(rest)
    fflush()
  }
  END { print "everyline-end " id " lines=" lines + 0 }
' <"$here/output" &
counter=$!
if [ -n "$directory" ] && ! cd "$directory" 2>/dev/null; then
  set -- sh -c 'echo "there is no directory $1" >&2; exit 126' sh "$directory"
fi
if command -v setsid >/dev/null; then
  setsid "$@" >"$here/output" 2>&1 &
  pid=$! group=-$!
else
  "$@" >"$here/output" 2>&1 &
  pid=$! group=$!
fi
[ -z "$interrupted" ] || stop
timer=
if [ "$limit" -gt 0 ]; then
  (
    trap - TERM INT
    sleep "$limit"
    : >"$here/late"
    kill -s TERM -- "$group"
    sleep 10
    kill -s KILL -- "$group"
  ) >/dev/null 2>&1 &
  timer=$!
fi
# A signal cuts a wait short, and says nothing of the command's own status.
wait "$pid" 2>/dev/null
ended=$?
while [ -n "$interrupted" ]; do
  interrupted=
  wait "$pid" 2>/dev/null
  again=$?
  [ "$again" = 127 ] || ended=$again
done
[ -z "$timer" ] || kill "$timer" 2>/dev/null
wait "$counter"
[ ! -e "$here/late" ] || ended=124
rm -rf "$here"
exit "$ended"
