// Package backup writes the rows that must not be lost to one file, and restores them. A file is
// gzipped JSON lines: a header, a row a line, and an end with the counts and a checksum.
//
// The portal may run while a backup is written. DynamoDB has no snapshot across tables, so a backup reads
// the rows in an order that makes them fit together (decision 0069): due rows, then the journal, then the records,
// then usage. Every record that a fact in the file relies on was written before that fact, and so is in the
// file. If the file has the record of a request, but not its facts, the request is sent again after a restore.
package backup
