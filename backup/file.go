package backup

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Format is the newest version of the file's format. This package reads it and all older ones.
const Format = 1

// Header begins a file.
type Header struct {
	Format int    `json:"gatehouse_backup"`
	MadeBy string `json:"made_by"`
	Prefix string `json:"prefix"`
	Region string `json:"region"`
	// Began is when the backup began. The file has all facts and all records of requests that were
	// written before.
	Began  time.Time `json:"began"`
	Tables []Table   `json:"tables"`
}

// Table is one of the tables that a file holds rows of.
type Table string

// The tables. Views and sessions are left out: the views follow from the journal, and people without a
// session sign in again.
const (
	Journal Table = "journal"
	Records Table = "records"
	Usage   Table = "usage"
)

// Tables lists the tables of a file.
func Tables() []Table { return []Table{Journal, Records, Usage} }

// Counts are rows by table.
type Counts map[Table]int

// Total is the number of all rows.
func (c Counts) Total() (all int) {
	for _, n := range c {
		all += n
	}
	return all
}

// ending is the last line. SHA256 is the checksum of the uncompressed lines before it.
type ending struct {
	End struct {
		Rows   Counts    `json:"rows"`
		Ended  time.Time `json:"ended"`
		SHA256 string    `json:"sha256"`
	} `json:"end"`
}

type line struct {
	Table Table            `json:"table"`
	Row   map[string]value `json:"row"`
}

// maxLine bounds a line in bytes. DynamoDB's largest item is 400 KB.
const maxLine = 8 << 20

type fileWriter struct {
	zip    *gzip.Writer
	out    *bufio.Writer
	sum    hash.Hash
	counts Counts
}

func newFileWriter(to io.Writer, header Header) (*fileWriter, error) {
	f := &fileWriter{zip: gzip.NewWriter(to), sum: sha256.New(), counts: Counts{}}
	f.out = bufio.NewWriterSize(io.MultiWriter(f.zip, f.sum), 64<<10)
	return f, f.line(header)
}

func (f *fileWriter) line(content any) error {
	body, err := json.Marshal(content)
	if err != nil {
		return err
	}
	if _, err := f.out.Write(append(body, '\n')); err != nil {
		return fmt.Errorf("writing the backup: %w", err)
	}
	return nil
}

func (f *fileWriter) row(of Table, row item) error {
	encoded, err := encodeItem(row)
	if err != nil {
		key := schema.KeyOf(row)
		return fmt.Errorf("encoding row %s %s: %w", key.PK, key.SK, err)
	}
	f.counts[of]++
	return f.line(line{of, encoded})
}

func (f *fileWriter) end(at time.Time) error {
	if err := f.out.Flush(); err != nil {
		return fmt.Errorf("writing the backup: %w", err)
	}
	var last ending
	last.End.Rows, last.End.Ended, last.End.SHA256 = f.counts, at, hex.EncodeToString(f.sum.Sum(nil))
	if err := f.line(last); err != nil {
		return err
	}
	if err := f.out.Flush(); err != nil {
		return fmt.Errorf("writing the backup: %w", err)
	}
	if err := f.zip.Close(); err != nil {
		return fmt.Errorf("writing the backup: %w", err)
	}
	return nil
}

func damaged(why string) error {
	return portal.Fail(portal.Invalid, "The file is not a whole backup: "+why+". It was cut off, altered, or is something else. Nothing can be restored from it; use another backup.")
}

// readFile visits the rows of a file in order. The error is Invalid if the file is incomplete, altered or
// of a newer format; some or all rows may have been visited by then.
func readFile(from io.Reader, visit func(of Table, row item) error) (Header, ending, error) {
	var header Header
	var last ending
	raw := bufio.NewReaderSize(from, 64<<10) // gzip then reads no byte after its end
	zip, err := gzip.NewReader(raw)
	if err != nil {
		return header, last, damaged("it is not compressed with gzip")
	}
	zip.Multistream(false)
	in, sum, counts := bufio.NewReaderSize(zip, 64<<10), sha256.New(), Counts{}
	for first := true; ; first = false {
		body, err := readLine(in)
		if err != nil {
			return header, last, err
		}
		if first {
			if header, err = readHeader(body); err != nil {
				return header, last, err
			}
			sum.Write(body)
			continue
		}
		if bytes.HasPrefix(body, []byte(`{"end":`)) {
			last, err = readEnd(body, counts, sum)
			if err == nil {
				err = nothingFollows(in, raw)
			}
			return header, last, err
		}
		sum.Write(body)
		of, row, err := readRow(body)
		if err != nil {
			return header, last, err
		}
		counts[of]++
		if err := visit(of, row); err != nil {
			return header, last, err
		}
	}
}

// readLine returns a line with its line break.
func readLine(in *bufio.Reader) ([]byte, error) {
	var body []byte
	for {
		part, err := in.ReadSlice('\n')
		body = append(body, part...)
		switch {
		case len(body) > maxLine:
			return nil, damaged("a line is too long")
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil, damaged("its end is missing")
		case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
			return nil, damaged("its compressed bytes are wrong")
		case err != nil:
			return nil, unreadable(err)
		}
		return body, nil
	}
}

func unreadable(err error) error {
	var corrupt flate.CorruptInputError
	if errors.As(err, &corrupt) {
		return damaged("its compressed bytes are wrong")
	}
	return fmt.Errorf("reading the backup: %w", err)
}

func readHeader(body []byte) (header Header, err error) {
	if err := json.Unmarshal(body, &header); err != nil || header.Format == 0 {
		return header, damaged("its first line is not a backup's")
	}
	if header.Format > Format {
		return header, portal.Fail(portal.Invalid, fmt.Sprintf("The backup has format %d, which version %s of Gatehouse has made. This version reads formats up to %d: restore with that version or a later one.", header.Format, header.MadeBy, Format))
	}
	return header, nil
}

func readRow(body []byte) (of Table, row item, err error) {
	var one line
	in := json.NewDecoder(bytes.NewReader(body))
	in.DisallowUnknownFields()
	if err := in.Decode(&one); err != nil {
		return "", nil, damaged("a line is not a row")
	}
	row, err = decodeItem(one.Row)
	if err != nil {
		return "", nil, damaged("a row has an attribute of no known kind")
	}
	key := schema.KeyOf(row)
	switch {
	case one.Table != Journal && one.Table != Records && one.Table != Usage:
		return "", nil, damaged(fmt.Sprintf("it has rows of a table %q", one.Table))
	case key.PK == "" || key.SK == "":
		return "", nil, damaged("a row has no key")
	case one.Table == Records && schema.LeftOut(key), one.Table == Journal && schema.IsRegistered(key):
		return "", nil, damaged("it has a row that backups leave out")
	}
	return one.Table, row, nil
}

func readEnd(body []byte, counts Counts, sum hash.Hash) (last ending, err error) {
	if err := json.Unmarshal(body, &last); err != nil {
		return last, damaged("its last line is wrong")
	}
	if last.End.SHA256 != hex.EncodeToString(sum.Sum(nil)) {
		return last, damaged("its checksum is wrong")
	}
	for _, of := range Tables() {
		if last.End.Rows[of] != counts[of] {
			return last, damaged("rows are missing")
		}
	}
	return last, nil
}

func nothingFollows(unpacked, raw io.ByteReader) error {
	for _, in := range []io.ByteReader{unpacked, raw} {
		if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
			return damaged("something follows its end, or its compressed bytes are wrong")
		}
	}
	return nil
}
