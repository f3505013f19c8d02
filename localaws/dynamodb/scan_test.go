package dynamodb_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

func TestTheSegmentsOfAScanDivideTheTable(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S", "sk:N")
	for i := range 60 {
		put(t, c, "items", attributes{"pk": fmt.Sprint("p", i%20), "sk": i})
	}
	const total = 4
	seen := map[string]int32{}
	for segment := range int32(total) {
		count, pages := 0, dynamodb.NewScanPaginator(c, &dynamodb.ScanInput{
			TableName: aws.String("items"), Limit: aws.Int32(4), Segment: aws.Int32(segment), TotalSegments: aws.Int32(total),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range page.Items {
				pk := plain(it)["pk"].(string)
				if before, ok := seen[pk]; ok && before != segment {
					t.Errorf("partition %s is in segments %d and %d", pk, before, segment)
				}
				seen[pk] = segment
				count++
			}
			if page.ScannedCount != page.Count {
				t.Errorf("%d items were scanned for %d", page.ScannedCount, page.Count)
			}
		}
		if count == 0 || count == 60 {
			t.Errorf("segment %d has %d of 60 items", segment, count)
		}
	}
	if len(seen) != 20 {
		t.Errorf("%d of 20 partitions were seen", len(seen))
	}
}

func TestInvalidSegmentsAreRefused(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S")
	one := func(n int32) *int32 { return &n }
	for _, test := range []struct {
		segment, total *int32
		want           string
	}{
		{one(0), nil, "TotalSegments parameter is required"},
		{nil, one(1), "Segment parameter is required"},
		{one(0), one(0), "greater than or equal to 1"},
		{one(0), one(1_000_001), "less than or equal to 1000000"},
		{one(-1), one(2), "greater than or equal to 0"},
		{one(2), one(2), "zero-based"},
	} {
		_, err := c.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("items"), Segment: test.segment, TotalSegments: test.total})
		wantError(t, err, "ValidationException", test.want)
	}
	put(t, c, "items", attributes{"pk": "a"})
	refused := 0
	for segment := range int32(2) {
		_, err := c.Scan(t.Context(), &dynamodb.ScanInput{
			TableName: aws.String("items"), Segment: one(segment), TotalSegments: one(2), ExclusiveStartKey: attributes{"pk": "a"}.wire(),
		})
		if err != nil {
			wantError(t, err, "ValidationException", "correct Segment")
			refused++
		}
	}
	if refused != 1 {
		t.Errorf("%d of 2 segments refused the key, want 1: the one without it", refused)
	}
}
