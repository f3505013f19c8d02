package predecessor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/gatehouse-portal/gatehouse/migration"
)

type objects interface {
	s3.ListObjectsV2APIClient
	GetObject(ctx context.Context, in *s3.GetObjectInput, opts ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// maxDocument bounds what is read of one file.
const maxDocument = 16 << 20

// ReadCatalog reads the catalog in the bucket of artifacts: the files below catalog/, and the APIs
// whose SDKs people may download.
func ReadCatalog(ctx context.Context, client objects, bucket string) (files []migration.CatalogFile, sdks map[string]bool, err error) {
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: aws.String("catalog/")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("listing bucket %s: %w", bucket, err)
		}
		for _, object := range page.Contents {
			key := aws.ToString(object.Key)
			if !slices.Contains([]string{".json", ".yaml", ".yml"}, path.Ext(key)) {
				continue
			}
			body, err := readObject(ctx, client, bucket, key)
			if err != nil {
				return nil, nil, err
			}
			files = append(files, migration.CatalogFile{Key: key, Body: body})
		}
	}
	body, err := readObject(ctx, client, bucket, "sdkGeneration.json")
	var missing *types.NoSuchKey
	switch {
	case errors.As(err, &missing):
		return files, nil, nil
	case err != nil:
		return nil, nil, err
	}
	if err := json.Unmarshal(body, &sdks); err != nil {
		return nil, nil, fmt.Errorf("reading sdkGeneration.json of bucket %s: %w", bucket, err)
	}
	return files, sdks, nil
}

func readObject(ctx context.Context, client objects, bucket, key string) ([]byte, error) {
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, fmt.Errorf("reading %s of bucket %s: %w", key, bucket, err)
	}
	defer func() { _ = out.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(out.Body, maxDocument+1))
	if err == nil && len(body) > maxDocument {
		err = errors.New("it is larger than 16 MB")
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s of bucket %s: %w", key, bucket, err)
	}
	return body, nil
}
