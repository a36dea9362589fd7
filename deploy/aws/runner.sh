# The entry point of the task in which a command runs: sh -c SCRIPT everyline ID TIMEOUT DIRECTORY COMMAND…
# Numbers the command's lines. Each becomes U+001E NUMBER KIND TEXT; KIND is a space for a line, + for a part of a line that goes
# on in the next, and = for the end, whose TEXT is CODE [timed_out|stopped]. Needs sh, awk, mktemp and mkfifo.
limit=$2 directory=$3
shift 3
interrupted= stopped= group=
stop() {
  [ -n "$group" ] || return 0
  # Until setsid has made the group, none in it hears.
  for try in 1 2 3; do
    ! kill -s TERM -- "$group" 2>/dev/null || return 0
    kill -s 0 "$pid" 2>/dev/null || return 0
    sleep 1
  done
}
trap 'interrupted=1 stopped=1; stop' TERM INT
command -v awk >/dev/null || { echo "the image has no awk" >&2; exit 126; }
here=$(mktemp -d) && mkfifo "$here/output" || exit 126
interactive=
case $(awk -W version 2>&1 </dev/null) in mawk*) interactive='-W interactive' ;; esac
# mawk writes integers above 2^31 as 2147483647, but for %.0f.
LC_ALL=C awk $interactive -v here="$here" -v line=0 '
  function put(kind, text) { print "\036" sprintf("%.0f", ++line) kind text }
  BEGIN { mark = "\036" here; size = length(mark) }
  {
    rest = $0
    last = ""
    if (length(rest) > size && substr(rest, length(rest) - size, size) == mark) {
      last = substr(rest, length(rest))
      rest = substr(rest, 1, length(rest) - size - 1)
    }
    if (last != "" && rest == "") { if (last == "=") exit; next }
    while (length(rest) > 8192) {
      cut = 8192
      while (cut > 8188 && substr(rest, cut + 1, 1) >= "\200" && substr(rest, cut + 1, 1) < "\300") cut--
      put("+", substr(rest, 1, cut))
      rest = substr(rest, cut + 1)
    }
    put(" ", rest)
    fflush()
    if (last == "=") exit
  }
  END { if ((getline code <(here "/code")) > 0) put("=", code) }
' <"$here/output" &
counter=$!
# Held until the code is where awk reads it: the end of the output comes after it. busybox opens nothing that a signal cuts short.
until command exec 3>"$here/output"; do [ -n "$interrupted" ] || exit 126; done 2>/dev/null
if [ -n "$directory" ] && ! cd "$directory" 2>/dev/null; then
  set -- sh -c 'echo "there is no directory $1" >&2; exit 126' sh "$directory"
fi
# A command that is stopped before it begins doesn't begin.
[ -z "$interrupted" ] || { set -- sh -c 'exit 143' && interrupted=; }
if command -v setsid >/dev/null; then
  setsid "$@" >&3 2>&3 3>&- &
  pid=$! group=-$!
else
  "$@" >&3 2>&3 3>&- &
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
  ) >/dev/null 2>&1 3>&- &
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
word=${stopped:+ stopped}
[ ! -e "$here/late" ] || ended=124 word=' timed_out'
echo "$ended$word" >"$here/code"
# Ends a last line that has no newline: at the end of its input, mawk 1.3.4 adds garbage to one that follows a long line.
(printf '\036%s+\n' "$here" >&3)
exec 3>&-
# What the command has left behind may hold its output for ever: after four seconds a mark ends it.
(
  trap - TERM INT
  sleep 4
  printf '\036%s=\n' "$here" >"$here/output"
) >/dev/null 2>&1 &
timer=$!
while wait "$counter" 2>/dev/null; [ -n "$interrupted" ]; do interrupted=; done
kill "$timer" 2>/dev/null
rm -rf "$here"
exit "$ended"
