package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// grow copies the reader's rows in the journal and the views for further accounts, numbered from
// first up to last.
func (s *site) grow(ctx context.Context, names app.Names, first, last int) error {
	for _, table := range []string{names.Journal, names.Views} {
		rows, err := s.rowsOf(ctx, table)
		if err != nil {
			return err
		}
		group, within := errgroup.WithContext(ctx)
		group.SetLimit(4)
		for chunk := range slices.Chunk(numbers(first, last), max(1, batch/len(rows))) {
			group.Go(func() error { return s.copy(within, table, rows, chunk) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return nil
}

const batch = 25

func numbers(first, last int) []int {
	all := make([]int, 0, last-first)
	for n := first; n < last; n++ {
		all = append(all, n)
	}
	return all
}

// rowsOf reads the rows whose partition is about the reader.
func (s *site) rowsOf(ctx context.Context, table string) ([]map[string]types.AttributeValue, error) {
	var found []map[string]types.AttributeValue
	pages := dynamodb.NewScanPaginator(s.tables, &dynamodb.ScanInput{TableName: aws.String(table)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", table, err)
		}
		for _, row := range page.Items {
			if strings.Contains(schema.KeyOf(row).PK, string(s.account)) {
				found = append(found, row)
			}
		}
	}
	if len(found) == 0 || len(found) > batch {
		return nil, fmt.Errorf("%s has %d rows of the reader's account, which is not between 1 and %d", table, len(found), batch)
	}
	return found, nil
}

func (s *site) copy(ctx context.Context, table string, rows []map[string]types.AttributeValue, accounts []int) error {
	var writes []types.WriteRequest
	for _, n := range accounts {
		other := portal.AccountID(fmt.Sprintf("%s%07d", s.account[:len(s.account)-7], n))
		for _, row := range rows {
			row, key := maps.Clone(row), schema.KeyOf(row)
			maps.Copy(row, schema.Key{PK: strings.ReplaceAll(key.PK, string(s.account), string(other)), SK: key.SK}.Attributes())
			writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: row}})
		}
	}
	for len(writes) > 0 {
		out, err := s.tables.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: writes}})
		if err != nil {
			return fmt.Errorf("writing rows of %d accounts to %s: %w", len(accounts), table, err)
		}
		writes = out.UnprocessedItems[table]
	}
	return nil
}
