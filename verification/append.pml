/*
 * Appending to the ledger of one execution: many deliveries of its source's events, one log.
 *
 * A command writes events to CloudWatch (Command). Its subscription hands batches of them on, late, out of order, more
 * than once, or not at all (Subscription). Sequencers take messages from one FIFO group and append what the log doesn't
 * hold yet; they crash, and they go on as zombies when their message has become visible again. When the command has
 * stopped, one of them drains CloudWatch and writes the end.
 *
 * What is a field of a record in DynamoDB is a global here; each `atomic` or `d_step` is one request to it. README.md
 * names each step's place in the code.
 */

#ifndef EVENTS
#define EVENTS 3
#endif
#ifndef SENDS
#define SENDS 2
#endif
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef FAULTS
#define FAULTS 2
#endif

#define bit(i) (1 << (i))
#define STOPPED 0
#define END 255
#define me (_pid + 1)

/* CloudWatch, the authoritative store. */
bool written;
byte latest[EVENTS];          /* each event's timestamp, 1 or 2: they repeat, and go backwards */
byte visible;                 /* the set that FilterLogEvents shows: it lags behind */
bool sentinel;                /* the last event is the runner's final line, with the count of lines */
#define everything (bit(EVENTS) - 1)

/* logs-events.fifo, the execution's group: the first message is in flight, or visible. An empty set says that the
 * command has stopped. */
chan queue = [SENDS + 1] of { byte };
byte receipt;                 /* who may delete the first message; 0 while it is visible */

/* The ledger: META {head, state}, and the blocks. */
byte head;
bool complete;
byte blocks;
byte ids[EVENTS + 1];         /* each block's event ids */
byte running[EVENTS + 1];     /* the latest timestamp up to and including each block */
#ifdef OWN_MAXIMUM
byte own[EVENTS + 1];         /* the latest timestamp of each block alone */
#endif

/* For the assertions alone: what each offset holds, and the set of events that have one. */
byte at[EVENTS + 2];
byte held;

byte faults;
#define may_fail (faults < FAULTS)

#define before_end (!complete)
#ifdef AFTER_END
#undef before_end
#define before_end true
#endif

#define head_is(h) (head == h)
#ifdef NO_COMPARE_AND_SET
#undef head_is
#define head_is(h) true
#endif

/* All events are written at once, in the beginning: nothing looks at one before CloudWatch hands it on, and that may be
 * at any time later. */
active proctype Command() {
  byte i;
  atomic {
    do
    :: i < EVENTS ->
      if
      :: latest[i] = 2
#ifdef ANY_TIMES
      :: latest[i] = 1
#else
      :: i == 0 || latest[i - 1] == 1 -> latest[i] = 1   /* one stream's events come in order, as the driver puts them */
#endif
      fi;
      i++
    :: i == EVENTS -> break
    od;
    i = 0;
    if
    :: sentinel = true
    :: sentinel = false                   /* it was killed: no final line */
    fi;
    written = true
  };
  queue!STOPPED
}

active proctype Visibility() {
  byte i;
  written;
  do
  :: atomic {
      visible != everything ->
#ifdef ANY_ORDER
      select (i : 0 .. EVENTS - 1);
      visible = visible | bit(i);
      i = 0
#else
      visible = 2 * visible + 1
#endif
    }
  :: visible == everything -> break
  od
}

/* Any run of events, any number of times: late, overlapping, repeated; what is not chosen is lost. */
active proctype Subscription() {
  byte first, last, sends;
  written;
end_send:
  do
  :: atomic {
      sends < SENDS ->
      select (first : 0 .. EVENTS - 1);
      select (last : first .. EVENTS - 1);
      queue!(bit(last + 1) - bit(first));
      sends++;
      first = 0;
      last = 0
    }
  od
}

/* The visibility timeout: the message comes again, and who had it goes on as a zombie. */
active proctype Timeouts() {
end_watch:
  do
  :: atomic { receipt != 0 && may_fail -> receipt = 0; faults++ }
  od
}

/* Puts the block and moves the head: one transaction. The caller is inside an atomic step and has checked. */
inline put(h, set) {
  i = 0;
  n = 0;
  time = (blocks > 0 -> running[blocks - 1] : 0);
  do
  :: i < EVENTS && (set & bit(i)) ->
    assert(at[h + n] == 0);                /* no two events under one offset */
    assert((held & bit(i)) == 0);          /* no event under two offsets */
    at[h + n] = i + 1;
    held = held | bit(i);
    time = (latest[i] > time -> latest[i] : time);
    n++;
    i++
  :: i < EVENTS && !(set & bit(i)) -> i++
  :: i == EVENTS -> break
  od;
  assert(!complete);                       /* nothing after the end */
  ids[blocks] = set;
  running[blocks] = time;
#ifdef OWN_MAXIMUM
  i = 0;
  do
  :: i < EVENTS && (set & bit(i)) -> own[blocks] = (latest[i] > own[blocks] -> latest[i] : own[blocks]); i++
  :: i < EVENTS && !(set & bit(i)) -> i++
  :: i == EVENTS -> break
  od;
#endif
  blocks++;
  head = h + n;
  i = 0;
  n = 0;
  time = 0
}

#define stops_at(b) (running[b] < time)
#ifdef NEWEST_BLOCK_ONLY
#undef stops_at
#define stops_at(b) (b + 1 < blocks)
#endif
#ifdef OWN_MAXIMUM
#undef stops_at
#define stops_at(b) (own[b] < time)
#endif
#ifdef STOP_AT_EQUAL_TIME
#undef stops_at
#define stops_at(b) (running[b] <= time)
#endif

/* Reads back from the head to a block whose running maximum time is older than the batch's first event. Blocks never
 * change, so that reading them one by one, under a head that was read first, is the same as reading them at once. */
inline read_back() {
  atomic {
    h = head;
    ended = complete;
    seen = 0;
    time = 3;
    i = 0;
    do
    :: i < EVENTS && (batch & bit(i)) -> time = (latest[i] < time -> latest[i] : time); i++
    :: i < EVENTS && !(batch & bit(i)) -> i++
    :: i == EVENTS -> break
    od;
    i = blocks;
    do
    :: i > 0 && !stops_at(i - 1) -> i--; seen = seen | ids[i]
    :: else -> break
    od;
    i = 0;
    time = 0
  }
}

inline forget() { batch = 0; seen = 0; h = 0; ended = false; quiet = false }

active [WORKERS] proctype Sequencer() {
  byte batch, seen, h, i, n, time;
  bool ended, quiet;

end_receive:
  atomic {
    receipt == 0 && nempty(queue) -> queue?<batch>; receipt = me
#ifdef DELETE_FIRST
    ;
    queue?_;
    receipt = 0
#endif
  };
  if
  :: batch != STOPPED -> goto append
  :: batch == STOPPED -> goto drain
  fi;

append:
  read_back();
  if
  :: may_fail -> goto crash
  :: ended -> goto delete
  :: else
  fi;
#ifdef NO_DUPLICATE_CHECK
  seen = 0;
#endif
  if
  :: (batch & ~seen) == 0 -> goto delete
  :: else
  fi;
  atomic {
    if
    :: head_is(h) && before_end -> put(h, (batch & ~seen))
    :: else -> goto append                 /* somebody else moved: read again */
    fi
  };
  goto delete;

drain:
#ifdef END_BEFORE_DRAIN
  atomic {
    if
    :: !complete -> at[head] = END; head++; complete = true
    :: else
    fi
  };
#endif
  atomic {
    h = head;
    ended = complete;
    seen = 0;
    do
    :: i < blocks -> seen = seen | ids[i]; i++
    :: else -> break
    od;
    i = 0
  };
  if
  :: may_fail -> goto crash
#ifndef END_BEFORE_DRAIN
  :: ended -> goto drained
#endif
  :: else
  fi;
  /* One scan of CloudWatch, to exhaustion. */
#ifndef NO_DRAIN
  batch = visible & ~seen;
  if
  :: batch != 0 ->
    quiet = false;
    atomic {
      if
      :: head_is(h) && before_end -> put(h, batch)
      :: else
      fi
    };
    batch = 0;
#ifdef END_BEFORE_DRAIN
    goto drained
#else
    goto drain
#endif
  :: batch == 0 && sentinel && (seen & bit(EVENTS - 1)) && h == EVENTS   /* the count agrees */
#ifndef ONE_SCAN
  :: batch == 0 && !quiet ->
    quiet = true;
    visible == everything;                 /* the wait between two scans is longer than CloudWatch's lag */
    goto drain
  :: batch == 0 && quiet
#else
  :: batch == 0
#endif
  fi;
#endif
#ifdef END_BEFORE_DRAIN
scanned:
  goto drained;
#endif
  atomic {
    if
    :: head_is(h) && before_end ->
      assert(at[h] == 0);
      at[h] = END;
      head = h + 1;
      complete = true
    :: else -> goto drain
    fi
  };

#ifndef END_BEFORE_DRAIN
scanned:
  goto drain;
#endif

drained:
  assert(complete && held == everything);  /* nothing was lost */

delete:
  atomic {
    forget();
    if
    :: may_fail -> goto crash              /* done, and not known to be: the transaction's answer was lost, or it died */
    :: receipt == me -> queue?_; receipt = 0; goto again
    :: receipt != me -> goto again         /* a zombie's receipt is stale */
    fi
  };

crash:
  atomic {
    faults++;
    if
    :: receipt == me -> receipt = 0
    :: else
    fi
  };

again:
  atomic { forget(); goto end_receive }
}

ltl ends { <> complete }
