/*
 * One log on AWS: append by number, keep, repair, end, reconcile (docs/decisions/0033). One execution.
 *
 * Numbers 1..LINES are lines, N = LINES+1 is the script's `=`. A set of numbers is a byte (bit i).
 * A field of META, a kept run and the log are globals; each atomic step is one request (or one consistent reading).
 * The queue's content is chosen when it is received: any run of what CloudWatch has taken, any number of times, in any
 * order, with other boundaries, with holes inside; what is not chosen is lost by the subscription.
 * FilterLogEvents shows any superset of `sure` within `stored` (it may forget what it showed); after a pause all that
 * was stored at its beginning is shown (not so with UNBOUNDED_LAG).
 *
 * Switches leave a part out, or read the protocol otherwise:
 *  PARK_KEY_FIRST   one kept item a first line, written over by a later batch that begins there
 *  PARK_BLIND       keeping is a plain put: META is neither compared nor touched
 *  UNPARK_AFTER_APPEND_ONLY  kept runs are looked at after an append, not by a message that is held already
 *  TOP_ONLY         META notes only the highest number that is kept: not a change at each keeping
 *  SEQUENCER_ASKS   the Sequencer asks for the repair of a hole that it leaves, watched or not (the protocol does)
 *  EXACT_DUE        a kept run is due only if its first line is the next one
 *  ONE_READ         no second reading before a loss or an end is decided
 *  NO_PARKED_READ   the reconciler reads CloudWatch only, not what is kept
 *  DROP_LATE        what comes after its notice is dropped as a duplicate
 *  NO_CAS           no comparison of head and next line
 *  DELETE_FIRST     the message is deleted before its effects
 *  REPEAT_FOREIGN   unnumbered lines are appended whenever they come (bit 0 rides on the batch that has line 1)
 * Environment: LOSSES, SENDS, FAULTS, STOPS, WORKERS, RECONCILERS, CRASH (a worker may die between any two requests;
 *  without it a zombie that never moves again stands for that), LATE_PUT (the driver puts after "stopped"),
 *  UNBOUNDED_LAG, FULL (lines that the log takes), RUNNING (the task never stops), NO_STOP (its word is lost),
 *  WATCHED (a viewer asks again and again), PING_KNOWN_HOLES (asking repairs only what META knows to be missing)
 */
#ifndef LINES
#define LINES 2
#endif
#define N (LINES + 1)
#ifndef LOSSES
#define LOSSES 1
#endif
#ifndef SENDS
#define SENDS 2
#endif
#ifndef FAULTS
#define FAULTS 1
#endif
#ifndef STOPS
#define STOPS 1
#endif
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef RECONCILERS
#define RECONCILERS 1
#endif
#ifdef ONE_READ
#define READS 0
#else
#define READS 1
#endif
#define bit(i) (1 << (i))
#define below(n) (bit(n) - 1)
#define from(n) (255 & ~below(n))
#define LOST 100
#define ENDED 200
#define FULLN 150
#define REPAIR 1
#define STOP 2
#define DELETE 1
#define APPEND 2
#define PARK 3
#define LATE 4
#define END 5
#define WAIT 6
#define GIVEUP 7
#define CRASHED 8
#define me (_pid + 1)

byte written;                 /* what the script wrote */
byte stored, later;           /* what CloudWatch has taken; what the driver will still put */
byte sure;
bool ready;

byte msg, receipt, sends;     /* the message in flight of the execution's group; who may delete it */
byte rmsg, rreceipt, stops;   /* the queue of reconcile */

byte head, nxt = 1;           /* META */
bool ended, verified, isfull;
byte top, parks;              /* META: the highest number that was ever parked; how often something was parked */
byte lost;                    /* META: numbers given up that have not come since */
bool gaveup;
byte parked[N + 2];           /* H# */

byte at[2 * N + 4];           /* the log, for the assertions */
byte held, lastnum, acked;

byte faults;
#define may_fail (faults < FAULTS)
#ifdef CRASH
#define may_crash (faults < FAULTS)
#else
#define may_crash false
#endif
#ifdef NO_CAS
#define same (!ended)
#else
#define same (head == h && nxt == n && !ended)
#endif
#ifdef PARK_BLIND
#define same_top true
#define park_ok true
#define has_parked true
#else
#ifdef TOP_ONLY
#define same_top (top == t)
#else
#define same_top (parks == t)
#endif
#define park_ok (nxt == n && !ended)
#define has_parked (top >= n)
#endif
#ifdef TOP_ONLY
#define now_parked top
#else
#define now_parked parks
#endif
#ifdef UNBOUNDED_LAG
#define bounded false
#else
#define bounded true
#endif
#ifdef FULL
#define over isfull
#define limit FULL
#else
#define over false
#define limit 99
#endif
#define full_rule over

inline run_of(set) {          /* the numbers from n on without a hole */
  s = 0; i = n;
  do
  :: i <= N && (set & bit(i)) -> s = s | bit(i); i++
  :: else -> break
  od;
  i = 0
}

inline event(x) {
  head++;
  assert(at[head] == 0);                    /* no offset is assigned twice */
  at[head] = x
}

inline write_end(v) {
  event(ENDED);
  ended = true;
  verified = v;
  assert(!verified || ((written & bit(N)) && (held & below(N)) == (written & below(N))));
  assert(isfull || (acked & below(N) & ~held) == 0);                 /* ARRIVED: what had arrived is there */
#ifndef LATE_PUT
  assert(!bounded || isfull || (stored & below(N) & ~held) == 0)     /* HELD: and all that CloudWatch holds */
#endif
}

inline put(s0) {              /* a run from n, one transaction; H# items that the log holds whole go with it */
  i = 1;
  do
  :: i <= LINES && (s0 & bit(i)) ->
    assert(!(held & bit(i)));               /* no line twice */
    assert(i > lastnum);                    /* order is number order */
    if
    :: isfull
    :: !isfull && head >= limit -> event(FULLN); isfull = true
    :: else -> event(i); held = held | bit(i); lastnum = i
    fi;
    i++
  :: i <= LINES && !(s0 & bit(i)) -> i++
  :: else -> break
  od;
  do
  :: nxt <= N && (s0 & bit(nxt)) -> nxt++
  :: else -> break
  od;
  if
  :: s0 & bit(N) -> write_end(!gaveup && !isfull)
  :: else
  fi;
  i = 1;
  do
  :: i <= N -> if :: (parked[i] & from(nxt)) == 0 -> parked[i] = 0 :: else fi; i++
  :: else -> break
  od;
  i = 0
}

inline query() {
  i = 1;
  do
#ifdef EXACT_DUE
  :: i <= N -> if :: i == n -> q = q | parked[i] :: else fi; i++
#else
  :: i <= N -> q = q | parked[i]; i++
#endif
  :: else -> break
  od;
  i = 0; q = q & from(n)
}

init {
  byte l, k;
  atomic {
    written = (below(N + 1) & ~1);
    if
    :: written = (below(N) & ~1)
#ifndef RUNNING
    :: true
#endif
    fi;
    stored = written;
    do
    :: l < LOSSES -> select (k : 1 .. N); stored = stored & ~bit(k); l++
    :: break
    od;
#ifdef LATE_PUT
    select (k : 1 .. N);
    later = stored & from(k);
    stored = stored & ~later;
#endif
    k = 0; l = 0;
    ready = true
  }
}

#ifdef LATE_PUT
active proctype Driver() {
  atomic { ready; stored = stored | later; later = 0 }
}
#endif

#if !defined(RUNNING) && !defined(NO_STOP)
active proctype Ecs() {
end_stop:
  do
  :: atomic { ready && stops < STOPS && rmsg == 0 -> rmsg = STOP; stops++ }
  od
}
#endif

#define caught_up (ready && (nxt > LINES || (stored & from(nxt)) == 0))
#ifdef WATCHED
#ifdef PING_KNOWN_HOLES
#define asks (top >= nxt)
#else
#define asks true
#endif
active proctype Ping() {
end_ping:
  do
#if defined(RUNNING) || defined(PING_KNOWN_HOLES)
  :: atomic { ready && !ended && rmsg == 0 && asks && !caught_up -> rmsg = REPAIR }
#else
  :: atomic { ready && !ended && rmsg == 0 -> rmsg = STOP }          /* a probe: the task has stopped */
#endif
  od
}
#endif

active proctype Timeouts() {
end_watch:
  do
  :: d_step { receipt != 0 && may_fail -> receipt = 0; faults++ }
#if RECONCILERS > 1
  :: d_step { rreceipt != 0 && may_fail -> rreceipt = 0; faults++ }
#endif
  od
}

/* Nothing is under way, and yet a parked batch is due: nothing would ever append it but by chance. */
#define is_due(i) ((parked[i] & bit(nxt)) != 0)
#if N == 3
#define due (nxt <= N && (is_due(1) || is_due(2) || is_due(3)))
#elif N == 4
#define due (nxt <= N && (is_due(1) || is_due(2) || is_due(3) || is_due(4)))
#else
#define due false
#endif
active proctype Idle() {
end_idle:
  d_step { ready && msg == 0 && rmsg == 0 && !ended && !over && due -> assert(false) /* DUE */ }
}

active [WORKERS] proctype Sequencer() {
  byte b, h, n, s, q, i, f, act;

end_receive:
  atomic {
    receipt == 0 && ready && (msg != 0 || sends < SENDS) ->
    if
    :: msg != 0
    :: msg == 0 ->
      select (i : 1 .. N);
      select (f : i .. N);
      msg = from(i) & below(f + 1) & stored;
#ifdef REPEAT_FOREIGN
      if :: i == 1 && msg != 0 -> msg = msg | 1 :: else fi;
#endif
      sends++; i = 0; f = 0
    fi;
    if
    :: msg == 0
    :: else -> b = msg; receipt = me
    fi
#ifdef DELETE_FIRST
    ; acked = acked | (b & ~1); msg = 0; receipt = 0
#endif
  };
  if
  :: b == 0 -> goto end_receive
  :: else
  fi;

again:                                      /* META, and the H# items if META says that there are any */
  if
  :: may_crash -> act = CRASHED
  :: d_step {
    h = head; n = nxt; s = 0; q = 0;
    if
    :: has_parked -> query()
    :: else
    fi;
#ifdef UNPARK_AFTER_APPEND_ONLY
    if :: f == 0 -> q = 0 :: else fi;
#endif
    run_of((b | q));
    if
    :: ended -> act = DELETE
    :: !ended && full_rule -> act = ((b & bit(N)) -> END : DELETE)
#ifdef UNPARK_AFTER_APPEND_ONLY
    :: !ended && !full_rule && !(b & lost) && (b & from(n)) == 0 && f == 0 -> act = DELETE
    :: !ended && !full_rule && !(b & lost) && !((b & from(n)) == 0 && f == 0) && s != 0 -> act = APPEND; f = 1
    :: !ended && !full_rule && (b & lost) -> act = LATE
#else
#ifndef DROP_LATE
    :: !ended && !full_rule && (b & lost) -> act = LATE
#endif
#ifdef DROP_LATE
    :: !ended && !full_rule && s != 0 -> act = APPEND
#else
    :: !ended && !full_rule && !(b & lost) && s != 0 -> act = APPEND
#endif
#endif
    :: else -> act = ((b & from(n)) -> PARK : DELETE); f = 0
    fi;
    q = 0
  }
  fi;
  if
  :: act == CRASHED -> goto crash
  :: act == DELETE -> goto delete
  :: else
  fi;
  d_step {
    if
    :: act == APPEND && same ->
#ifdef REPEAT_FOREIGN
      if :: b & 1 -> assert(!(held & 1)); event(1); held = held | 1; h++ :: else fi;
#endif
      put(s)
    :: act == END && same -> write_end(false)
    :: act == LATE && !ended && (b & lost) ->             /* it has come after all: a notice with its text, once */
      i = 1;
      do
      :: i <= LINES -> if :: b & lost & bit(i) -> event(50 + i); held = held | bit(i) :: else fi; i++
      :: else -> break
      od;
      i = 0; lost = lost & ~b
    :: act == PARK && park_ok ->
      i = n; q = 0;
      do
      :: i <= N && (b & bit(i)) ->
        if
        :: q == 0 ->
          q = i;
#ifdef PARK_KEY_FIRST
          parked[q] = 0
#endif
        :: else
        fi;
        parked[q] = parked[q] | bit(i);
        top = (i > top -> i : top);
        i++
      :: i <= N && !(b & bit(i)) -> q = 0; i++
      :: else -> break
      od;
      i = 0; q = 0; act = DELETE;
      parks++
    :: else
    fi;
    s = 0; h = 0; n = 0
  };
  if
  :: act != DELETE -> goto again
  :: else
  fi;

delete:
#ifdef SEQUENCER_ASKS
  atomic { if :: !ended && top >= nxt -> rmsg == 0 -> rmsg = REPAIR :: else fi };
#endif
  atomic {
    if
    :: may_crash -> goto crash
    :: receipt == me -> acked = acked | (ended -> 0 : b & ~1); msg = 0; receipt = 0
    :: receipt != me
    fi;
    b = 0; h = 0; n = 0; s = 0; q = 0; f = 0; act = 0;
    goto end_receive
  };
crash:
  atomic {
    faults++;
    if :: receipt == me -> receipt = 0 :: else fi;
    b = 0; h = 0; n = 0; s = 0; q = 0; f = 0; act = 0;
    goto end_receive
  }
}

active [RECONCILERS] proctype Reconciler() {
  byte kind, h, n, t, s, q, v, i, reads, act;

end_receive:
  atomic { rreceipt == 0 && rmsg != 0 -> kind = rmsg; rreceipt = me };

again:                                      /* META and the H# items */
  atomic {
    if
    :: nxt != n || now_parked != t -> reads = 0
    :: else
    fi;
    h = head; n = nxt; t = now_parked; q = 0;
#ifndef NO_PARKED_READ
    query();
#endif
    act = (ended -> DELETE : 0)
  };
  if
  :: may_crash -> goto crash
  :: act == DELETE -> goto delete
  :: act == 0
  fi;
  atomic {                                  /* CloudWatch, from the last appended line on */
    i = n;
    do
    :: i <= N ->
      if
      :: (stored & bit(i)) -> v = v | bit(i)
      :: !(sure & stored & bit(i)) -> skip
      fi;
      i++
    :: else -> break
    od;
    d_step {
      q = q | v; v = 0; i = 0;
      run_of(q);
      if
      :: full_rule && (q & bit(N)) -> act = END
      :: full_rule && !(q & bit(N)) -> q = 0; act = (kind != STOP -> DELETE : (reads < READS -> WAIT : END))
      :: !full_rule && s != 0 -> act = APPEND
      :: !full_rule && s == 0 && q == 0 && kind != STOP -> act = DELETE
      :: else -> act = (reads < READS -> WAIT : (q != 0 -> GIVEUP : END))
      fi;
      if :: act != GIVEUP -> q = 0 :: else fi
    }
  };
  if
  :: act == DELETE -> goto delete
  :: else
  fi;
  d_step {
    if
    :: act == WAIT -> reads++; sure = (bounded -> stored : sure)
    :: act == APPEND && same -> put(s)
    :: act == END && same && same_top -> write_end(false)
    :: act == GIVEUP && same && same_top ->
      i = n;
      do
      :: !(q & bit(i)) -> lost = lost | bit(i); i++
      :: else -> break
      od;
#ifndef LATE_PUT
      assert(!bounded || (lost & stored & below(N) & ~held) == 0);   /* GONE: what CloudWatch holds isn't called lost */
#endif
      gaveup = true;
      event(LOST);
      nxt = i; i = 0
    :: else
    fi;
    s = 0; q = 0; act = 0
  };
  goto again;

delete:
  atomic {
    if
    :: may_crash -> goto crash
    :: rreceipt == me -> rmsg = 0; rreceipt = 0
    :: rreceipt != me
    fi;
    sure = (bounded -> stored : sure);      /* the next request comes later */
    kind = 0; h = 0; n = 0; t = 0; s = 0; q = 0; reads = 0; act = 0;
    goto end_receive
  };
crash:
  atomic {
    faults++;
    if :: rreceipt == me -> rreceipt = 0 :: else fi;
    kind = 0; h = 0; n = 0; t = 0; s = 0; q = 0; reads = 0; act = 0;
    goto end_receive
  }
}

ltl ends { <> ended }
ltl caught { <> caught_up }
ltl repaired { [] (top >= nxt -> <> (top < nxt)) }
