import GRDB

/// The tables, as a series of migrations. A migration that has been released is never changed.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1: executions, blocks, access") { db in
            try db.execute(sql: executions + blocks + access)
        }
        migrator.registerMigration("2: checksums of blocks") { db in
            // The column may be there already: the note of this migration may have been lost, or taken out by hand.
            guard try !db.columns(in: "block").contains(where: { $0.name == "crc" }) else { return }
            try db.execute(sql: checksums)
        }
        migrator.registerMigration("3: producers' keys and signs, tokens without rows") { db in
            try db.execute(sql: producers + sealedTokens)
        }
        migrator.registerMigration("4: who asked for a stop") { db in
            guard try !db.columns(in: "execution").contains(where: { $0.name == "stopped_by" }) else { return }
            try db.execute(sql: "ALTER TABLE execution ADD COLUMN stopped_by TEXT")
        }
        migrator.registerMigration("5: compressed blocks of ended logs") { db in
            guard try !db.columns(in: "block").contains(where: { $0.name == "unpacked" }) else { return }
            try db.execute(sql: compression)
        }
        migrator.registerMigration("6: incarnations") { db in
            guard try !db.tableExists("incarnation") else { return }
            try db.execute(sql: incarnations)
            try SQLiteDatabase.beginIncarnation(in: db)
        }
        migrator.registerMigration("7: where commands run") { db in
            guard try !db.columns(in: "execution").contains(where: { $0.name == "host" }) else { return }
            try db.execute(sql: places)
        }
        return migrator
    }

    /// The lives of this database, oldest first, and the head of each log that was open when one began, as its `base`.
    /// `file` is the number (inode) of the file that held it, by which a copy is known; NULL until it was opened.
    private static let incarnations = """
        CREATE TABLE incarnation (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL UNIQUE,
            created_ms INTEGER NOT NULL,
            file INTEGER
        ) STRICT;
        CREATE TABLE base (
            execution INTEGER NOT NULL,
            incarnation INTEGER NOT NULL,
            base INTEGER NOT NULL,
            PRIMARY KEY (execution, incarnation)
        ) STRICT, WITHOUT ROWID;
        """

    /// `stop_ms` is when a stop was first asked for, `heard_ms` when the producer was last heard of, to some hours.
    private static let producers = """
        ALTER TABLE execution ADD COLUMN key TEXT;
        ALTER TABLE execution ADD COLUMN stop_ms INTEGER;
        ALTER TABLE execution ADD COLUMN heard_ms INTEGER;
        UPDATE execution SET stop_ms = unixepoch() * 1000 WHERE status = 'TERMINATING';

        """

    /// `CommandPlace`: NULL where it is unknown, and of executions that are older than these columns.
    private static let places = """
        ALTER TABLE execution ADD COLUMN host TEXT;
        ALTER TABLE execution ADD COLUMN host_user TEXT;
        ALTER TABLE execution ADD COLUMN directory TEXT;
        ALTER TABLE execution ADD COLUMN terminal_columns INTEGER;
        ALTER TABLE execution ADD COLUMN terminal_rows INTEGER;
        """

    /// What stream tokens are sealed with; a token itself leaves no row.
    private static let sealedTokens = """
        DROP TABLE stream_token;
        CREATE TABLE stream_token (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            secret BLOB NOT NULL,
            created_ms INTEGER NOT NULL
        ) STRICT;
        """

    /// `number` is never used again, so that what is left of a removed log can't become part of a new one.
    ///
    /// `head`, `log_bytes` and `latest_ms` are of the last event; `merged` is how far an ended log's small blocks have
    /// been merged, NULL when nothing is left to do (or when the log goes on).
    private static let executions = """
        CREATE TABLE execution (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            command TEXT NOT NULL,
            owner TEXT NOT NULL,
            producer TEXT NOT NULL,
            status TEXT NOT NULL,
            exit_code INTEGER,
            reason TEXT,
            created_ms INTEGER NOT NULL,
            started_ms INTEGER,
            ended_ms INTEGER,
            head INTEGER NOT NULL DEFAULT 0,
            log_bytes INTEGER NOT NULL DEFAULT 0,
            latest_ms INTEGER NOT NULL DEFAULT 0,
            merged INTEGER,
            append_token BLOB NOT NULL,
            idempotency_key TEXT,
            fingerprint BLOB
        ) STRICT;
        CREATE UNIQUE INDEX execution_idempotency ON execution (owner, idempotency_key)
            WHERE idempotency_key IS NOT NULL;
        CREATE INDEX execution_status ON execution (status, number);
        CREATE INDEX execution_ended ON execution (ended_ms) WHERE ended_ms IS NOT NULL;
        CREATE INDEX execution_unmerged ON execution (number) WHERE merged IS NOT NULL;

        """

    /// No event of the log up to a block is later than its `latest_ms`, which therefore grows with `last`: that is what
    /// makes a time a place in the index of offsets. (A second index would cost each commit a page.) `removed` lists
    /// the numbers whose blocks are still to be deleted.
    private static let blocks = """
        CREATE TABLE block (
            row INTEGER PRIMARY KEY,
            execution INTEGER NOT NULL,
            first INTEGER NOT NULL,
            last INTEGER NOT NULL,
            latest_ms INTEGER NOT NULL,
            events BLOB NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX block_last ON block (execution, last);
        CREATE TABLE removed (execution INTEGER PRIMARY KEY) STRICT;

        """

    /// The CRC-32 of a block's events; NULL in blocks that are older than this column.
    private static let checksums = "ALTER TABLE block ADD COLUMN crc INTEGER"

    /// How many bytes `events` are once zstd has unpacked them; NULL where they stand as they are. Logs that have ended
    /// are gone through once more.
    private static let compression = """
        ALTER TABLE block ADD COLUMN unpacked INTEGER;
        UPDATE execution SET merged = 0 WHERE ended_ms IS NOT NULL AND head > 0;
        """

    private static let access = """
        CREATE TABLE api_key (
            id TEXT PRIMARY KEY,
            user TEXT NOT NULL,
            role TEXT NOT NULL,
            hash BLOB NOT NULL UNIQUE,
            created_ms INTEGER NOT NULL,
            revoked_ms INTEGER
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE stream_token (
            hash BLOB PRIMARY KEY,
            execution TEXT NOT NULL,
            user TEXT NOT NULL,
            key TEXT NOT NULL,
            start_after INTEGER,
            start_ms INTEGER,
            expires_ms INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX stream_token_expires ON stream_token (expires_ms);
        """
}
