package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/gzipped"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

type table interface {
	PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

// chunkSize is the bytes of JSON in one item, before gzip. An item stays below DynamoDB's 400 KB
// even if gzip adds some. Chunks are compressed separately, so that versions which compress
// differently can write the same chunk.
const chunkSize = 256 << 10

// Store keeps documents in the records table, in chunks. A document never changes. It is
// written before the fact that names its hash, and read only after that fact.
type Store struct {
	db   table
	name string
}

// NewStore returns a Store in the records table.
func NewStore(db table, records string) *Store { return &Store{db: db, name: records} }

// Put writes a document and returns its hash. Writing it again changes nothing.
func (s *Store) Put(ctx context.Context, doc Document) (hash string, err error) {
	body, err := doc.encode()
	if err != nil {
		return "", fmt.Errorf("encoding the catalog: %w", err)
	}
	return s.PutBlob(ctx, body)
}

// PutBlob writes a blob, which must not be empty, and returns its hash. Writing it again
// changes nothing.
func (s *Store) PutBlob(ctx context.Context, body []byte) (hash string, err error) {
	if len(body) == 0 {
		return "", errors.New("storing a blob of the catalog: it is empty")
	}
	hash = hashOf(body)
	number := 0
	for chunk := range slices.Chunk(body, chunkSize) {
		if err := s.putChunk(ctx, hash, number, chunk); err != nil {
			return "", fmt.Errorf("storing catalog %s: %w", hash, err)
		}
		number++
	}
	return hash, nil
}

func (s *Store) putChunk(ctx context.Context, hash string, number int, chunk []byte) error {
	packed, err := gzipped.Pack(chunk)
	if err != nil {
		return err
	}
	item := schema.CatalogChunk(hash, number).Attributes()
	item["gzip"] = packed
	_, err = s.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(s.name), Item: item})
	return err
}

// Load reads a document consistently. An unknown one is a portal.Error with code
// NotFound; one that is incomplete or does not match its hash is an error without a code.
func (s *Store) Load(ctx context.Context, hash string) (Document, error) {
	body, err := s.LoadBlob(ctx, hash)
	if err != nil {
		return Document{}, err
	}
	var doc Document
	if err := json.Unmarshal(body, &doc); err != nil {
		return Document{}, fmt.Errorf("loading catalog %s: %w", hash, err)
	}
	doc.fillIn()
	return doc, nil
}

// LoadBlob reads what PutBlob wrote, with the errors of Load.
func (s *Store) LoadBlob(ctx context.Context, hash string) ([]byte, error) {
	body, err := s.body(ctx, hash)
	if err != nil {
		return nil, fmt.Errorf("loading catalog %s: %w", hash, err)
	}
	if len(body) == 0 {
		return nil, fmt.Errorf("loading catalog %s: %w", hash, portal.Fail(portal.NotFound, "There is no such catalog."))
	}
	if hashOf(body) != hash {
		return nil, fmt.Errorf("loading catalog %s: what is stored has another hash", hash)
	}
	return body, nil
}

// fillIn sets what documents of older versions lack: slugs and the kind of APIs, which all were
// REST APIs.
func (d Document) fillIn() {
	for _, product := range d.Products {
		for i := range product.APIs {
			if product.APIs[i].Kind == "" {
				product.APIs[i].Kind = REST
			}
			if product.APIs[i].Slug == "" {
				product.APIs[i].Slug = product.APIs[i].ID + "-" + product.APIs[i].Stage
			}
		}
	}
}

func (s *Store) body(ctx context.Context, hash string) ([]byte, error) {
	pages := dynamodb.NewQueryPaginator(s.db, &dynamodb.QueryInput{
		TableName: aws.String(s.name), ConsistentRead: aws.Bool(true),
		KeyConditionExpression: schema.CatalogDocument(hash).Condition(), ExpressionAttributeValues: schema.CatalogDocument(hash).Values(),
	})
	var body []byte
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			chunk, err := gzipped.Unpack(item["gzip"])
			if err != nil {
				return nil, err
			}
			body = append(body, chunk...)
		}
	}
	return body, nil
}
