/*
 * Delivering one execution's log to one viewer: many senders that may die or be too slow, one viewer that misses nothing.
 *
 * A log grows, and notifies the viewer after each append (Log). Senders take notifications from the connection's FIFO
 * group, lock the connection's record, and pump: read after the cursor, post, move the cursor (Sender). The viewer connects,
 * says from where it goes on, checks each frame, pings when it has heard nothing for a while, loses its connection and
 * comes back under another one (Viewer); what it says is carried out by a function that may die half-way (Connection).
 *
 * What is a field of a record in DynamoDB is a global here; each `atomic` or `d_step` is one request. A fence is a number
 * that grows with every change of hands and is only ever compared with itself: here it is the sender who has it. README.md
 * names each step's place in the code.
 */

#ifndef EVENTS
#define EVENTS 3              /* the last is the log's end */
#endif
#ifndef SENDERS
#define SENDERS 2
#endif
#ifndef CONNECTIONS
#define CONNECTIONS 2
#endif
#ifndef FAULTS
#define FAULTS 2
#endif
#ifndef WIRE
#define WIRE 2                /* how many frames the gateway holds for a viewer that doesn't read */
#endif

mtype = { RESUME, PING };
mtype = { NONE, OPENING, LIVE, CLOSED, GONE };

byte head;                    /* the log; complete when head = EVENTS */

typedef Record {              /* C#connection */
  bool open;
  byte generation;
  byte cursor;
  byte fence;                 /* the sender that has the current fence; 0: none */  
  bool locked;
  bool lease_over
}
Record record[CONNECTIONS];

/* deliveries.fifo: a group for each connection. One message is in flight or none; further ones are as good as one. */
bool visible[CONNECTIONS];    /* a message that is not in flight */
byte receipt[CONNECTIONS];    /* who has the one in flight */

/* API Gateway. */
mtype gateway[CONNECTIONS] = NONE;
chan wire[CONNECTIONS] = [WIRE] of { byte, byte, byte };    /* generation, first offset, last */
chan said = [2] of { mtype, byte, byte, byte };             /* kind, connection, generation, offset */

/* The viewer. */
byte connection;
byte generation;              /* counts on from connection to connection */
byte wanted = 1;              /* the offset it wants */
bool acknowledged;            /* it knows that its resumption was heard */
bool behind;                  /* a ping's answer spoke of events that have not come */
bool served;                  /* it has the log's end, and so everything */
bool exhausted;                    /* it has run out of connections */

bool busy[SENDERS + 1];
byte at_work[SENDERS + 1];    /* the connection (+ 1) that a living sender has locked in this pass */
byte faults;
#define may_fail (faults < FAULTS)

#define me (_pid + 1)         /* the senders are the first processes */

/* The log's events have times 1, 1, 2, 2, …: what follows a cursor. */
#define cursor_at(offset) (offset)
#define first_after(cursor) (cursor + 1)
#ifdef TIMESTAMP_CURSOR
#undef cursor_at
#undef first_after
#define cursor_at(offset) ((offset + 1) / 2)
#define first_after(cursor) (2 * cursor + 1)
#endif

#define fence_is_mine (record[c].fence == me && record[c].locked)
#ifdef NO_FENCE
#undef fence_is_mine
#define fence_is_mine true
#endif

#define cursor_is_mine (record[c].cursor == cursor)
#ifdef NO_CURSOR_COMPARE
#undef cursor_is_mine
#define cursor_is_mine true
#endif

#define is_free (!record[c].locked || record[c].lease_over)
#ifdef NO_LEASE
#undef is_free
#define is_free (!record[c].locked)
#endif

#define has_resumed (record[c].generation > 0)
#ifdef SEND_BEFORE_RESUME
#undef has_resumed
#define has_resumed true
#endif

inline notify(to) {
  if
  :: visible[to] = true
  :: may_fail -> faults++     /* lost, or in the dead-letter queue */
  fi
}

inline close_record() {
  record[c].open = false;
  record[c].locked = false;
  record[c].lease_over = false;
  record[c].fence = 0
}

/* Senders are alike: of the idle ones the first takes the message. */
#define takes (me == 1 || busy[me - 1])

active [SENDERS] proctype Sender() {
  byte c, generation_read, cursor, from, to, late;

end_receive:
  atomic {
    if
    :: takes && visible[0] && receipt[0] == 0 -> c = 0
#if CONNECTIONS > 1
    :: takes && visible[1] && receipt[1] == 0 -> c = 1
#endif
#if CONNECTIONS > 2
    :: takes && visible[2] && receipt[2] == 0 -> c = 2
#endif
    fi;
    busy[me] = true;
    visible[c] = false;
    receipt[c] = me
  };

  atomic {
    if
    :: record[c].open && has_resumed && is_free ->
      record[c].locked = true;
      record[c].lease_over = false;
      record[c].fence = me;
      generation_read = record[c].generation;
      cursor = record[c].cursor;
      at_work[me] = c + 1
    :: record[c].open && has_resumed && !is_free -> goto back
    :: !record[c].open || !has_resumed -> goto delete    /* who resumes, notifies */
    fi
  };

read:
  atomic {
    if
    :: may_fail -> goto crash
    :: first_after(cursor) <= head ->
      from = first_after(cursor);
      if
      :: to = from
      :: head > from -> to = head
      fi
    :: first_after(cursor) > head && head == EVENTS -> goto close
    :: first_after(cursor) > head && head < EVENTS -> goto release
    fi
  };

#ifdef COMMIT_BEFORE_POST
  atomic {
    if
    :: record[c].open && fence_is_mine && cursor_is_mine -> record[c].cursor = cursor_at(to)
    :: else -> goto delete
    fi
  };
#endif

post:
  atomic {
    if
    :: may_fail -> goto crash
    :: gateway[c] == LIVE && nfull(wire[c]) ->
      wire[c]!generation_read, from, to;
      late = (record[c].fence == me -> late : late + 1);
#ifndef HOLES_ONLY
      assert(late <= 1);                   /* who lost its lock sends one frame more, at the most */
#endif
      if
      :: true
      :: may_fail -> faults++; goto release_and_retry    /* it was accepted, and the answer was lost */
      fi
#ifdef LOSSY
    :: gateway[c] == LIVE && nfull(wire[c]) && may_fail -> faults++     /* it was accepted, and lost */
#endif
    :: gateway[c] == LIVE && full(wire[c]) -> goto release_and_retry    /* 429 */
    :: gateway[c] == OPENING -> goto release_and_retry                  /* 410: not yet */
    :: gateway[c] == CLOSED || gateway[c] == GONE -> goto gone          /* 410 */
    fi
  };

#ifndef COMMIT_BEFORE_POST
  atomic {
    if
    :: may_fail -> goto crash
    :: record[c].open && fence_is_mine && cursor_is_mine ->
      record[c].cursor = cursor_at(to);
      record[c].lease_over = false
    :: else -> goto delete                 /* the lock is lost: its holder goes on */
    fi
  };
#endif
  atomic {
    cursor = cursor_at(to);
    if
    :: to == EVENTS -> goto close
    :: to < EVENTS -> goto read
    :: to < EVENTS ->                      /* the pass is over: notify and give way */
      if
      :: fence_is_mine -> record[c].locked = false
      :: else
      fi;
      notify(c);
      goto delete
    fi
  };

close:
  atomic {
    if
    :: may_fail -> goto crash
    :: record[c].open && fence_is_mine -> close_record()
    :: else -> goto delete                 /* the lock is lost */
    fi
  };
  atomic {
    if
    :: gateway[c] == LIVE -> gateway[c] = CLOSED
    :: else
    fi;
    goto delete
  };
gone:
  atomic {
    if
    :: record[c].open && fence_is_mine -> close_record()
    :: else
    fi;
    goto delete
  };

release:
  atomic {
    if
    :: fence_is_mine -> record[c].locked = false
    :: else
    fi
  };
delete:
  atomic {
    if
    :: receipt[c] == me -> receipt[c] = 0
    :: else                                /* a zombie's receipt is stale */
    fi;
    goto again
  };

release_and_retry:
  atomic {
    if
    :: fence_is_mine -> record[c].locked = false
    :: else
    fi;
    goto back
  };
crash:
  atomic { faults++; goto back };
back:
  atomic {
    if
    :: receipt[c] == me -> receipt[c] = 0; visible[c] = true
    :: else
    fi
  };
again:
  atomic { busy[me] = false; at_work[me] = 0; c = 0; generation_read = 0; cursor = 0; from = 0; to = 0; late = 0; goto end_receive }
}

active proctype Log() {
  byte c;
  do
  :: head < EVENTS ->
    head++;
    atomic {                               /* separate groups: notifying all at once is as good as one by one */
      do
      :: c < CONNECTIONS && record[c].open -> notify(c); c++
      :: c < CONNECTIONS && !record[c].open -> c++
      :: c == CONNECTIONS -> break
      od;
      c = 0
    }
  :: break                                 /* at its end, or it says nothing more for ever */
  od
}

/* What the viewer says, one thing after the other. A thing said may be heard twice, the second time late. */
active proctype Connection() {
  mtype kind;
  byte c, g, after;

end_listen:
  do
  :: atomic {
      said?<kind, c, g, after>;            /* it stays there until it has been dealt with */
      if
      :: true
      :: may_fail && nfull(said) -> said!kind, c, g, after; faults++
      fi
    };
    if
    :: kind == RESUME ->
      atomic {
        if
        :: record[c].open && record[c].generation < g ->
          record[c].generation = g;
          record[c].cursor = cursor_at(after);
          record[c].fence = 0;
          record[c].locked = false;
          record[c].lease_over = false
        :: record[c].open && record[c].generation == g       /* heard before: notify and acknowledge again */
        :: record[c].open && record[c].generation > g -> goto heard
        :: !record[c].open -> goto refuse
        fi
      };
      atomic {
        if
        :: may_fail -> faults++; goto heard                  /* it died before the notification */
        :: notify(c)
        fi
      };
      atomic {
        if
        :: c == connection && g == generation -> acknowledged = true
        :: else
        fi
      }
    :: kind == PING ->
      atomic {
        if
        :: !record[c].open -> goto refuse
        :: record[c].open && first_after(record[c].cursor) <= head && is_free -> notify(c)
        :: else
        fi;
#if defined(LOSSY) && !defined(NO_HEAD_IN_ANSWER)
        if
        :: c == connection && after < head -> behind = true  /* the answer carries it */
        :: else
        fi
#endif
      }
    fi;
    goto heard;
refuse:
    atomic {
      if
      :: gateway[c] == LIVE -> gateway[c] = CLOSED
      :: else
      fi
    };
heard:
    atomic { said?_, _, _, _; c = 0; g = 0; after = 0; kind = 0 }
  od
}

/* With a gateway that loses what it accepted: an answer spoke of events, and they have not come. */
#define gives_up false
#ifdef LOSSY
#undef gives_up
#define gives_up behind
#endif

/* A ping that finds nothing missing changes nothing, and one that finds a notification adds nothing. */
#define ping_matters (wanted <= head && !visible[connection] && receipt[connection] == 0 && !gives_up)
#ifdef EAGER_PING
#undef ping_matters
#define ping_matters true
#endif

active proctype Viewer() {
  byte g, from, to;

connect:
  atomic {                                 /* $connect; the record's cursor is the token's: 0 */
    record[connection].open = true;
    gateway[connection] = OPENING;
    acknowledged = false;
    behind = false;
    generation = 1
  };
  atomic { gateway[connection] = LIVE; said!RESUME, connection, generation, wanted - 1 };
end_hear:
  do
  :: atomic {
      wire[connection]?g, from, to;
      behind = false;
      if
      :: g != generation                   /* of an older resumption */
      :: g == generation ->
        acknowledged = true;
#ifndef LOSSY
        assert(from <= wanted);              /* no hole, ever */
#endif
        if
        :: from <= wanted && to >= wanted -> wanted = to + 1
        :: to < wanted                       /* a repetition */
#ifdef LOSSY
        :: from > wanted && generation < 3 && nfull(said) ->       /* a hole: it resumes anew, after what it has */
          generation++;
          acknowledged = false;
          said!RESUME, connection, generation, wanted - 1
        :: from > wanted && (generation == 3 || full(said)) -> goto leave
#endif
        fi
      fi;
      g = 0;
      from = 0;
      to = 0;
      if
      :: wanted > EVENTS -> served = true; acknowledged = false; gateway[connection] = CLOSED; goto finish
      :: else
      fi
    }
  /* It has heard nothing for a while. */
  :: atomic {
      empty(wire[connection]) && empty(said) && gateway[connection] == LIVE && !acknowledged ->
      said!RESUME, connection, generation, wanted - 1
    }
#ifndef NO_PING
  :: atomic {
      empty(wire[connection]) && empty(said) && gateway[connection] == LIVE && acknowledged && ping_matters ->
      said!PING, connection, generation, wanted - 1
    }
#endif
  :: atomic { empty(wire[connection]) && gives_up && !visible[connection] && receipt[connection] == 0 -> goto leave }
  :: atomic {                              /* resumes though nothing is wrong */
      may_fail && gateway[connection] == LIVE && generation < 2 && nfull(said) ->
      faults++;
      generation++;
      acknowledged = false;
      said!RESUME, connection, generation, wanted - 1
    }
  :: atomic { empty(wire[connection]) && gateway[connection] == CLOSED -> goto leave }
  :: atomic { may_fail && connection + 1 < CONNECTIONS -> faults++; goto leave }     /* its network fails */
  od;

leave:
  atomic {
#ifndef LOSSY
    assert(faults > connection);           /* never without a fault */
#endif
    gateway[connection] = GONE;
    do
    :: wire[connection]?g, from, to
    :: empty(wire[connection]) -> break
    od;
    g = 0;
    from = 0;
    to = 0;
    if
    :: record[connection].open = false; record[connection].locked = false; record[connection].fence = 0   /* $disconnect */
    :: true                                /* it never came */
    fi;
    if
    :: connection + 1 < CONNECTIONS -> connection++; goto connect
    :: else -> exhausted = true
    fi
  };
finish:
  skip
}

/* The visibility timeout: the message comes again, and who had it goes on as a zombie. */
active proctype Timeouts() {
end_watch:
  do
  :: atomic { may_fail && receipt[0] != 0 -> receipt[0] = 0; visible[0] = true; faults++ }
#if CONNECTIONS > 1
  :: atomic { may_fail && receipt[1] != 0 -> receipt[1] = 0; visible[1] = true; faults++ }
#endif
#if CONNECTIONS > 2
  :: atomic { may_fail && receipt[2] != 0 -> receipt[2] = 0; visible[2] = true; faults++ }
#endif
  od
}

#define owner_lives(c) (at_work[record[c].fence] == c + 1)
#define lease_ends(c) (record[c].locked && !record[c].lease_over && (!owner_lives(c) || may_fail))
#define end_lease(c) record[c].lease_over = true; faults = (owner_lives(c) -> faults + 1 : faults)

/* A lease ends sooner or later if its owner has died, and at any time if a clock is wrong. */
active proctype Leases() {
end_watch:
  do
  :: atomic { lease_ends(0) -> end_lease(0) }
#if CONNECTIONS > 1
  :: atomic { lease_ends(1) -> end_lease(1) }
#endif
#if CONNECTIONS > 2
  :: atomic { lease_ends(2) -> end_lease(2) }
#endif
  od
}

/* Whatever the log holds, the viewer gets, or it has no connection left. */
ltl arrives { []<> (wanted > head || exhausted) }
