package gzipped_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/gzipped"
)

func TestUnpackReturnsThePackedBytes(t *testing.T) {
	t.Parallel()
	for name, body := range map[string][]byte{"nothing": {}, "a text": []byte("{}"), "much": bytes.Repeat([]byte("word "), 1<<16)} {
		packed, err := gzipped.Pack(body)
		if err != nil {
			t.Fatal(err)
		}
		got, err := gzipped.Unpack(packed)
		if err != nil || !bytes.Equal(got, body) {
			t.Errorf("%s: unpacked %d bytes of %d, %v", name, len(got), len(body), err)
		}
		if len(packed.Value) > 100+len(body)/10 {
			t.Errorf("%s: %d bytes became %d", name, len(body), len(packed.Value))
		}
	}
}

func TestMoreThanMaxBytesAreNeitherPackedNorUnpacked(t *testing.T) {
	t.Parallel()
	most := make([]byte, gzipped.Max)
	packed, err := gzipped.Pack(most)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := gzipped.Unpack(packed); err != nil || !bytes.Equal(got, most) {
		t.Errorf("unpacking the largest body returned %d bytes, %v", len(got), err)
	}
	more := append(most, 0)
	if _, err := gzipped.Pack(more); !errors.Is(err, gzipped.ErrTooLarge) {
		t.Errorf("packing one byte more: %v, want ErrTooLarge", err)
	}
	// Pack would not write this: a few kilobytes that unpack to one byte too many.
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	if _, err := w.Write(more); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := gzipped.Unpack(&types.AttributeValueMemberB{Value: bomb.Bytes()})
	if !errors.Is(err, gzipped.ErrTooLarge) || len(got) > 0 {
		t.Errorf("unpacking one byte more: %d bytes, %v; want ErrTooLarge", len(got), err)
	}
}

func TestUnpackRefusesDamagedAttributes(t *testing.T) {
	t.Parallel()
	packed, err := gzipped.Pack([]byte("a text that is cut off or changed"))
	if err != nil {
		t.Fatal(err)
	}
	cut := packed.Value[:len(packed.Value)-5]
	changed := bytes.Clone(packed.Value)
	changed[len(changed)-5] ^= 1 // of the checksum
	for name, value := range map[string]types.AttributeValue{
		"missing":         nil,
		"of another type": &types.AttributeValueMemberS{Value: "a text"},
		"empty":           &types.AttributeValueMemberB{},
		"cut off":         &types.AttributeValueMemberB{Value: cut},
		"changed":         &types.AttributeValueMemberB{Value: changed},
	} {
		if got, err := gzipped.Unpack(value); err == nil {
			t.Errorf("%s: unpacked %q", name, got)
		}
	}
}
