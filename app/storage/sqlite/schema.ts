/**
 * The database's schema as steps: number n leads from version n to n + 1, and `PRAGMA user_version` tells how many were made.
 * A step that was released is never changed; what follows is appended.
 */
export const MIGRATIONS: readonly string[] = [
  // Values stand in a table of their own, so that listing 100,000 records reads their names alone.
  `CREATE TABLE records (
     key TEXT NOT NULL PRIMARY KEY,
     revision TEXT NOT NULL,
     summary TEXT,
     content INTEGER NOT NULL
   ) WITHOUT ROWID, STRICT;
   CREATE TABLE contents (
     id INTEGER PRIMARY KEY,
     checksum INTEGER NOT NULL,
     value BLOB NOT NULL
   ) STRICT;`,
];

/** `KWst`: tells our databases from others (https://sqlite.org/fileformat2.html §1.3, offset 68). */
export const APPLICATION_ID = 0x4b577374;

export const DATABASE = 'store.db';
