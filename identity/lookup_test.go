package identity_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

func TestASearchForPeopleCountsEachOnceAndSaysWhetherThereAreMore(t *testing.T) {
	t.Parallel()
	tables := journaltest.Start(t)
	for i := range 6 { // each has an address and a name that begin with "grace"
		for _, word := range []string{"grace", fmt.Sprintf("grace%d@example.com", i)} {
			key := schema.PersonWord(word, portal.AccountID(fmt.Sprintf("account-%d", i))).Attributes()
			if _, err := tables.Client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &tables.Records, Item: key}); err != nil {
				t.Fatal(err)
			}
		}
	}
	lookup := identity.Lookup{DynamoDB: tables.Client, Tables: identity.Tables{Records: tables.Records}}
	for _, c := range []struct {
		begins string
		limit  int32
		found  int
		more   bool
	}{{" Grace", 4, 4, true}, {"grace", 6, 6, false}, {"grace", 50, 6, false}, {"grace3", 1, 1, false}, {"grace", 1, 1, true}, {" ", 5, 0, false}, {"nobody", 5, 0, false}} {
		found, more, err := lookup.FindPeople(t.Context(), c.begins, c.limit)
		if err != nil || len(found) != c.found || more != c.more {
			t.Errorf("%q up to %d: %v, more: %v, %v", c.begins, c.limit, found, more, err)
		}
		slices.Sort(found)
		if len(slices.Compact(found)) != c.found {
			t.Errorf("%q finds somebody twice: %v", c.begins, found)
		}
	}
}
