// Package backup writes the rows that must not be lost to one file, and restores them. A file is
// gzipped JSON lines: a header, a row a line, and an end with the counts and a checksum.
//
// The portal may run meanwhile. No snapshot spans DynamoDB's tables, so the order makes the rows fit
// together (decision 0069): due rows, then the journal, then the records, then usage. Every record
// that a fact of the file relies on was written before that fact, and so is in the file. A request
// whose record is in the file, but not its facts, is sent again after a restore.
package backup
