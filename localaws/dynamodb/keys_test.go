package dynamodb

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

func TestPlacesAreSortedByPartitionAndSortKey(t *testing.T) {
	t.Parallel()
	tab := &table{Hash: keyAttribute{"pk", "B"}, Range: &keyAttribute{"sk", "B"}}
	bytesOf := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, 0xfe, 0xff}), 1, 4)
	rapid.Check(t, func(t *rapid.T) {
		hash1, sort1 := bytesOf.Draw(t, "hash1"), bytesOf.Draw(t, "sort1")
		hash2, sort2 := bytesOf.Draw(t, "hash2"), bytesOf.Draw(t, "sort2")
		place1 := tab.place(Item{"pk": {B: hash1}, "sk": {B: sort1}})
		place2 := tab.place(Item{"pk": {B: hash2}, "sk": {B: sort2}})
		same := bytes.Equal(hash1, hash2)
		if bytes.HasPrefix(place2, partition(Value{B: hash1})) != same {
			t.Fatalf("partitions %x and %x overlap", hash1, hash2)
		}
		want := bytes.Compare(hash1, hash2)
		if same {
			want = bytes.Compare(sort1, sort2)
		}
		if got := bytes.Compare(place1, place2); got != want {
			t.Fatalf("(%x, %x) and (%x, %x) compare as %d, want %d", hash1, sort1, hash2, sort2, got, want)
		}
	})
}

func TestAfterPrefixReturnsTheLeastKeyAfterThePrefix(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ prefix, want []byte }{
		{[]byte{'a', 0, 1}, []byte{'a', 0, 2}},
		{[]byte{'a', 0, 1, 0xff}, []byte{'a', 0, 2}},
		{[]byte{'a', 0, 1, 'b', 0xff, 0xff}, []byte{'a', 0, 1, 'c'}},
	} {
		if got := afterPrefix(c.prefix); !bytes.Equal(got, c.want) {
			t.Errorf("afterPrefix of %x is %x, want %x", c.prefix, got, c.want)
		}
	}
}
