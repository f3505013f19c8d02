package s3_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
)

// list reads all pages.
func (l *local) list(adjust ...func(*s3.ListObjectsV2Input)) (keys, prefixes []string) {
	l.t.Helper()
	in := &s3.ListObjectsV2Input{Bucket: aws.String("bucket")}
	for _, f := range adjust {
		f(in)
	}
	pages := s3.NewListObjectsV2Paginator(l, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(l.t.Context())
		if err != nil {
			l.t.Fatal(err)
		}
		if got := len(page.Contents) + len(page.CommonPrefixes); got != int(*page.KeyCount) || in.MaxKeys != nil && got > int(*in.MaxKeys) {
			l.t.Errorf("a page of %d entries has KeyCount %d", got, *page.KeyCount)
		}
		for _, o := range page.Contents {
			keys = append(keys, *o.Key)
		}
		for _, p := range page.CommonPrefixes {
			prefixes = append(prefixes, *p.Prefix)
		}
	}
	return keys, prefixes
}

func TestAListIsFilteredGroupedAndPaged(t *testing.T) {
	t.Parallel()
	l := start(t)
	l.mustPut("a", "b/1", "b/2", "b/c/3", "b/c/4", "b/d", "e/5", "f g", "é")
	for _, c := range []struct {
		name, prefix, delimiter, after string
		keys, prefixes                 []string
	}{
		{"everything, ordered by bytes", "", "", "", []string{"a", "b/1", "b/2", "b/c/3", "b/c/4", "b/d", "e/5", "f g", "é"}, nil},
		{"a prefix", "b/", "", "", []string{"b/1", "b/2", "b/c/3", "b/c/4", "b/d"}, nil},
		{"a prefix of no key", "x", "", "", nil, nil},
		{"a delimiter", "", "/", "", []string{"a", "f g", "é"}, []string{"b/", "e/"}},
		{"both", "b/", "/", "", []string{"b/1", "b/2", "b/d"}, []string{"b/c/"}},
		{"both, the prefix within a name", "b/c", "/", "", nil, []string{"b/c/"}},
		{"after a key", "", "", "b/2", []string{"b/c/3", "b/c/4", "b/d", "e/5", "f g", "é"}, nil},
		{"after a key within a group", "", "/", "b/2", []string{"f g", "é"}, []string{"e/"}},
	} {
		for _, size := range []int32{0, 1, 2} {
			keys, prefixes := l.list(func(in *s3.ListObjectsV2Input) {
				in.Prefix, in.Delimiter = &c.prefix, &c.delimiter
				if c.after != "" {
					in.StartAfter = &c.after
				}
				if size > 0 {
					in.MaxKeys = &size
				}
			})
			if diff := cmp.Diff([][]string{c.keys, c.prefixes}, [][]string{keys, prefixes}); diff != "" {
				t.Errorf("%s, %d per page (-want +got):\n%s", c.name, size, diff)
			}
		}
	}
}

func TestAPageHoldsAThousandKeys(t *testing.T) {
	t.Parallel()
	l := start(t)
	var want []string
	for i := range 1001 {
		want = append(want, fmt.Sprintf("k%04d", i))
	}
	l.mustPut(want...)
	page, err := l.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("bucket"), MaxKeys: aws.Int32(5000)})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Contents) != 1000 || !*page.IsTruncated {
		t.Errorf("the page has %d keys, truncated is %v", len(page.Contents), *page.IsTruncated)
	}
	if keys, _ := l.list(); !slices.Equal(want, keys) {
		t.Errorf("all pages together have %d keys", len(keys))
	}
}
