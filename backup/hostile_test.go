package backup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/gatehouse-portal/gatehouse/backup"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const header = `{"gatehouse_backup":1,"made_by":"0.1","prefix":"g","region":"r","began":"2026-11-22T09:00:00Z"}`

func TestAFileThatIsNoWholeBackupIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(50)
	whole := w.backup(w)
	body := unpacked(t, whole)
	lines := strings.SplitAfter(body, "\n")
	one := `{"table":"usage","row":{"pk":{"S":"cycle"},"sk":{"S":"last"}}}`
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	for name, c := range map[string]struct {
		file []byte
		says string
	}{
		"an empty file":                  {nil, "not compressed"},
		"a text":                         {[]byte("hello"), "not compressed"},
		"something else compressed":      {packed("hello\n"), "first line"},
		"a file without lines":           {packed(""), "end is missing"},
		"half a file":                    {whole[:len(whole)/2], "end is missing"},
		"a file without its last byte":   {whole[:len(whole)-1], "compressed bytes"},
		"a file whose end is cut off":    {packed(strings.Join(lines[:len(lines)-2], "")), "end is missing"},
		"a file with one bit changed":    {flipped, ""},
		"a row is missing":               {packed(strings.Join(append(lines[:3:3], lines[4:]...), "")), "checksum"},
		"a row is changed":               {packed(strings.Replace(body, "ann@example.com", "eve@example.com", 1)), "checksum"},
		"bytes follow":                   {append(bytes.Clone(whole), 0), "follows"},
		"another backup follows":         {append(bytes.Clone(whole), whole...), "follows"},
		"rows follow the end":            {packed(body + one + "\n"), "follows"},
		"the counts are wrong":           {sealed(`"usage":2`, header, one), "rows are missing"},
		"a newer format":                 {sealed("", `{"gatehouse_backup":2,"made_by":"9.0"}`), "version 9.0 of Gatehouse"},
		"a format that is no number":     {sealed("", `{"gatehouse_backup":"1"}`), "first line"},
		"another table":                  {sealed("", header, strings.Replace(one, "usage", "views", 1)), `"views"`},
		"a row without a key":            {sealed("", header, `{"table":"usage","row":{"pk":{"S":"x"}}}`), "no key"},
		"a key that is a number":         {sealed("", header, strings.Replace(one, "S", "N", 1)), "no key"},
		"an attribute of two kinds":      {sealed("", header, `{"table":"usage","row":{"pk":{"S":"x","N":"1"},"sk":{"S":"x"}}}`), "no known kind"},
		"an attribute of an odd kind":    {sealed("", header, `{"table":"usage","row":{"pk":{"S":"x"},"sk":{"S":"x"},"a":{"X":"1"}}}`), "not a row"},
		"a line that is no JSON":         {sealed("", header, "{"), "not a row"},
		"a line with another member":     {sealed("", header, `{"tables":"usage"}`), "not a row"},
		"a row that backups leave out":   {sealed("", header, `{"table":"records","row":{"pk":{"S":"budget"},"sk":{"S":"control-plane"}}}`), "leave out"},
		"a row of the restore itself":    {sealed("", header, `{"table":"records","row":{"pk":{"S":"restore"},"sk":{"S":"run"}}}`), "leave out"},
		"a line longer than any row":     {packed(header + "\n" + strings.Repeat("x", 9<<20)), "too long"},
		"nothing but a very long header": {packed(strings.Repeat(" ", 9<<20)), "too long"},
	} {
		_, err := backup.Check(bytes.NewReader(c.file), func(int) {})
		if portal.CodeOf(err) != portal.Invalid || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want Invalid with %q", name, err, c.says)
		}
	}
}

func TestAFileThatChangesBetweenItsReadingsIsRefused(t *testing.T) {
	t.Parallel()
	from, to := newWorld(t), newWorld(t)
	from.fill(5)
	file := from.backup(from)
	from.fill(6)
	r := to.restorer(to)
	err := r.Run(t.Context(), bytes.NewReader(from.backup(from)), check(t, file), func(int, int) {})
	if portal.CodeOf(err) != portal.Conflict || !strings.Contains(err.Error(), "changed") {
		t.Errorf("it ends with %v", err)
	}
}

func TestAPlaceNeverHoldsHalfABackupAndIsNotOverwritten(t *testing.T) {
	t.Parallel()
	server := localawstest.Start(t)
	client := s3.NewFromConfig(server.AWSConfig(), func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("kept")}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{filepath.Join(dir, "b.gz"), "s3://kept/all/b.gz"} {
		place, err := backup.ParsePlace(name, client)
		if err != nil {
			t.Fatal(err)
		}
		wrong := errors.New("stopped")
		err = place.Write(t.Context(), func(to io.Writer) error {
			_, _ = io.WriteString(to, "half")
			return wrong
		})
		if !errors.Is(err, wrong) {
			t.Errorf("%s: %v", name, err)
		}
		if in, err := place.Open(t.Context()); err == nil {
			t.Errorf("%s holds half a backup", name)
			_ = in.Close()
		}
		text := func(content string) func(io.Writer) error {
			return func(to io.Writer) error { _, err := io.WriteString(to, content); return err }
		}
		if err := place.Write(t.Context(), text("whole")); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := place.Write(t.Context(), text("other")); portal.CodeOf(err) != portal.Conflict {
			t.Errorf("%s is overwritten: %v", name, err)
		}
		for range 2 {
			if got := readAll(t, place); got != "whole" {
				t.Errorf("%s holds %q", name, got)
			}
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left are %v, %v", left, err)
	}
	info, err := os.Stat(filepath.Join(dir, "b.gz"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
	place, _ := backup.ParsePlace("s3://kept/all/b.gz", client)
	_ = readAll(t, place)
	if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("kept"), Key: aws.String("all/b.gz"), Body: strings.NewReader("new")}); err != nil {
		t.Fatal(err)
	}
	if _, err := place.Open(t.Context()); portal.CodeOf(err) != portal.Conflict {
		t.Errorf("an object that was changed between two readings is read: %v", err)
	}
}

func readAll(t *testing.T, place backup.Place) string {
	t.Helper()
	in, err := place.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	body, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestAPlaceNeedsAnObject(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"s3://", "s3://bucket", "s3://bucket/", "s3:///key", "s3://bucket/folder/"} {
		if _, err := backup.ParsePlace(name, nil); portal.CodeOf(err) != portal.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnInterruptedBackupIsNoBackup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(5)
	ctx, stop := context.WithCancel(t.Context())
	var file bytes.Buffer
	b := backup.Backup{Source: w, Names: w.names, Now: clock, Wait: noWait}
	_, err := b.Write(ctx, &file, func(of backup.Table, _ int) {
		if of == backup.Journal {
			stop()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	if _, err := backup.Check(bytes.NewReader(file.Bytes()), func(int) {}); portal.CodeOf(err) != portal.Invalid {
		t.Errorf("what it has written is taken for a backup: %v", fmt.Sprint(err))
	}
}

func TestAPlaceThatDoesNotExistIsNamed(t *testing.T) {
	t.Parallel()
	server := localawstest.Start(t)
	client := s3.NewFromConfig(server.AWSConfig(), func(o *s3.Options) { o.UsePathStyle = true })
	dir := t.TempDir()
	gone := filepath.Join(dir, "gone")
	at := func(name string) backup.Place {
		place, err := backup.ParsePlace(name, client)
		if err != nil {
			t.Fatal(err)
		}
		return place
	}
	write := func(name string) error {
		return at(name).Write(t.Context(), func(to io.Writer) error { _, err := io.WriteString(to, "whole"); return err })
	}
	open := func(name string) error {
		in, err := at(name).Open(t.Context())
		if err == nil {
			_ = in.Close()
		}
		return err
	}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"a folder to write into":   {write(filepath.Join(gone, "b.gz")), "There is no folder " + gone + ". Create it, or give another file."},
		"a bucket to write into":   {write("s3://gone/b.gz"), "There is no bucket gone. Create it, or give another one."},
		"a file to read":           {open(gone), gone + " does not exist."},
		"a folder is not a backup": {open(dir), dir + " is a folder. Give the file of a backup."},
	} {
		if c.err == nil || !strings.HasSuffix(c.err.Error(), ": "+c.want) {
			t.Errorf("%s: %v, want %s", name, c.err, c.want)
		}
	}
}
