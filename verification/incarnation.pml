/*
 * One log whose database is put back from backups: one producer that has deleted some of what it had delivered, one viewer, and requests
 * that were given up and arrive late.
 *
 * Each restore begins another incarnation and notes the log's head as its base, if the log is open. Who names another incarnation is told
 * the smallest base since (the Server's answer), forgets what is beyond it, and goes on from there: the viewer (Viewer), and the producer,
 * which says first that there was a restore, and which of its lines it doesn't have any more (Producer). README.md names each step's
 * place in the code.
 */

#ifndef LINES
#define LINES 3               /* the last is the log's end */
#endif
#ifndef RESTORES
#define RESTORES 2
#endif
#ifndef BACKUPS
#define BACKUPS 2
#endif
#ifndef FAULTS
#define FAULTS 1
#endif
#define CELLS (LINES + 2 * RESTORES + 2)   /* two notices a restore, and an end by the server; 0 is before the first */
#define LIVES (RESTORES + 1)

#define RESTORED 40           /* the notice of a restore */
#define LOST 50               /* + the last line that is missing */
#define ENDED 60              /* the end by the server, of a log that has no producer any more */
#define NONE 99

/* The server: what stands at each offset, and the incarnations that its database knows. */
byte head;
byte log[CELLS];
byte lives = 1;
byte id[LIVES];
byte base[LIVES];
byte newest;                  /* of all incarnations that ever were */
#define current id[lives - 1]
#define has_ended (head > 0 && (log[head] == LINES || log[head] == ENDED))

/* The backup. */
bool kept;
byte kept_head;
byte kept_log[CELLS];
byte kept_lives;
byte kept_id[LIVES];
byte kept_base[LIVES];
byte backups;
byte restores;

byte faults;
bool served;                  /* the producer has delivered its end, and is gone */

/* A request that was given up: it may still arrive. */
chan late = [1] of { byte, byte, byte };

/* What a client of this incarnation is told: the base, 0 where the incarnation isn't known, NONE if the log is the same. */
inline ask(known, answer) {
  d_step {
    answer = NONE;
    if
    :: known == current
    :: else ->
      i = 0;
      do
      :: i < lives && id[i] != known -> i++
      :: else -> break
      od;
      if
      :: i == lives -> answer = 0
      :: else ->
#ifdef LAST_BASE
        answer = base[lives - 1]
#else
        i++;
        do
        :: i < lives -> answer = (base[i] < answer -> base[i] : answer); i++
        :: else -> break
        od
#endif
      fi;
#ifdef HEAD_AS_BASE
      answer = (answer == NONE -> NONE : head)
#endif
    fi;
    i = 0
  }
}

/* Every line is there, once and in order, but for those that a notice names. */
inline check_log() {
  d_step {
    i = 1;
    last = 0;
    do
    :: i <= head && log[i] <= LINES -> assert(log[i] == last + 1); last = log[i]; i++
    :: i <= head && log[i] >= LOST && log[i] < ENDED -> assert(log[i] - LOST > last); last = log[i] - LOST; i++
    :: i <= head && (log[i] == RESTORED || log[i] == ENDED) -> i++
    :: i > head -> break
    od;
    i = 0;
    last = 0
  }
}

inline append(event) {
  assert(!has_ended);
  head++;
  log[head] = event;
  check_log()
}

/* Where the producer's lines stand, in each incarnation that it knows. */
byte place = 1;
byte place_id[LIVES];
byte place_base[LIVES];
byte notices[LIVES];
byte resumed[LIVES];
byte missing[LIVES];
#define here (place - 1)
#define start(life) (place_base[life] + notices[life])
#define owes_notice (at < start(here))

/* The line that stands at an offset; of a notice, the one before it. */
inline number_at(offset, number) {
  d_step {
    i = here;
    do
    :: i > 0 && place_base[i] >= offset -> i--
    :: else -> break
    od;
    if
    :: offset >= start(i) -> number = resumed[i] + offset - start(i)
    :: offset < start(i) && offset <= place_base[i] + 1 -> number = resumed[i] - missing[i]
    :: else -> number = resumed[i]
    fi;
    i = 0
  }
}

active proctype Producer() {
  byte written, dropped, acked, at, event, told, to, number, i, last, asked;

end_produce:
  do
  :: atomic { written < LINES -> written++ }
  :: atomic { acked > dropped -> dropped = acked }                 /* what the server has is deleted */
  :: atomic {
      owes_notice || acked < written || asked == 0 ->
      /* What comes next: a notice of the restore, a line, or nothing but the question whether to stop. */
      if
      :: owes_notice -> event = (at == place_base[here] -> RESTORED : LOST + resumed[here])
      :: !owes_notice && acked < written -> event = acked + 1
      :: else
      fi;
      asked = 1;
      ask(place_id[here], told);
      if
      :: told != NONE -> to = current; goto move
      :: told == NONE && event == 0
      :: told == NONE && event != 0 && faults < FAULTS && nfull(late) ->
        faults++;
        late!place_id[here], at, event                             /* it gives this request up, and sends another */
      :: told == NONE && event != 0 ->
        if
        :: head == at -> append(event)
        :: head > at -> assert(log[at + 1] == event)               /* it is held already */
        :: head < at -> assert(false)                              /* the server has less than it has acknowledged */
        fi;
        if
        :: at++
        :: faults < FAULTS -> faults++                             /* the answer is lost */
        fi;
        asked = 0;
        number_at(at, acked);
        if
        :: acked == LINES -> served = true; goto finish
        :: else
        fi
      fi;
      event = 0; told = 0
    }
  :: atomic { asked == 1 && restores < RESTORES -> asked = 0 }      /* a while later it asks again */
  od;

move:
  /* A server that knows none of the newest incarnation may know an earlier one. */
  atomic {
    number = here;
    do
    :: told == 0 && number > 0 ->
      number--;
      ask(place_id[number], told);
      told = (told == NONE -> (head < place_base[number + 1] -> head : place_base[number + 1])
        : (told < place_base[number + 1] -> told : place_base[number + 1]));
      to = current
    :: else -> break
    od;
    number_at(told, number);
#ifdef NO_SHIFT
    number = told;
#endif
    do
    :: place > 1 && place_base[here] >= told ->
      place--; place_id[place] = 0; place_base[place] = 0; notices[place] = 0; resumed[place] = 0; missing[place] = 0
    :: else -> break
    od;
    place_id[place] = to;
    place_base[place] = told;
    resumed[place] = (number > dropped -> number : dropped);
    missing[place] = resumed[place] - number;
#ifdef FORGETFUL
    missing[place] = 0;                                            /* it says nothing of what it hasn't got any more */
#endif
    notices[place] = (missing[place] > 0 -> 2 : 1);
    place++;
    at = told;
    acked = resumed[here];
    asked = 0; told = 0; to = 0; number = 0; event = 0;
    goto end_produce
  };

finish:
  atomic { at = 0; acked = 0; dropped = 0; written = 0; event = 0; told = 0; number = 0; asked = 0 }
}

/* A request of long ago arrives: its answer is lost. */
active proctype Network() {
  byte from, after, event, told, i, last;

end_deliver:
  do
  :: atomic {
      late?from, after, event;
      ask(from, told);
#ifdef NO_APPEND_CHECK
      told = NONE;
#endif
      if
      :: told == NONE && head == after && !has_ended -> append(event)
      :: else                                                      /* held, too early, ended, or of another incarnation */
      fi;
      from = 0; after = 0; event = 0; told = 0
    }
  od
}

active proctype Viewer() {
  byte known, seen, told, i;
  byte shown[CELLS];

end_view:
  do
  :: atomic {
      known != current || seen < head ->
      ask(known, told);
#ifdef NO_VIEW_CHECK
      told = NONE;
#endif
      if
      :: told != NONE ->
        do
        :: seen > told -> shown[seen] = 0; seen--
        :: else -> break
        od;
        known = current
      :: told == NONE && seen >= head                              /* it had ended before the restore: nothing is new */
      :: told == NONE && seen < head ->
        seen++;
        shown[seen] = log[seen];
        d_step {
          i = 1;
          do
          :: i <= seen -> assert(shown[i] == log[i]); i++
          :: else -> break
          od;
          i = 0
        }
      fi;
      told = 0
    }
  od
}

/* Takes backups and puts them back, and ends the log that was put back without its producer. */
active proctype Operator() {
  byte i, last;

end_operate:
  do
  :: d_step {
      backups < BACKUPS ->
      backups++;
      kept = true;
      kept_head = head;
      kept_lives = lives;
      i = 0;
      do
      :: i < CELLS -> kept_log[i] = log[i]; i++
      :: else -> break
      od;
      i = 0;
      do
      :: i < LIVES -> kept_id[i] = id[i]; kept_base[i] = base[i]; i++
      :: else -> break
      od;
      i = 0
    }
  :: d_step {
      kept && restores < RESTORES ->
      restores++;
      head = kept_head;
      lives = kept_lives;
      i = 0;
      do
      :: i < CELLS -> log[i] = kept_log[i]; i++
      :: else -> break
      od;
      i = 0;
      do
      :: i < LIVES -> id[i] = kept_id[i]; base[i] = kept_base[i]; i++
      :: else -> break
      od;
      i = 0;
      newest++;
      id[lives] = newest;
      base[lives] = (has_ended -> NONE : head);
      lives++
    }
  :: atomic { served && !has_ended -> append(ENDED) }
  od
}
