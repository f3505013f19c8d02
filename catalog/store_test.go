package catalog

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	apitypes "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const records = "records"

func newStore(t *testing.T) (*Store, *dynamodb.Client) {
	t.Helper()
	db := dynamodb.NewFromConfig(localawstest.Start(t).AWSConfig())
	createRecords(t, db)
	return NewStore(db, records), db
}

func createRecords(t *testing.T, db *dynamodb.Client) {
	t.Helper()
	_, err := db.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String(records), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// noise is text that gzip cannot make small.
func noise(random *rand.Rand, size int) string {
	raw := make([]byte, size/2)
	for i := range raw {
		raw[i] = byte(random.Uint32())
	}
	return hex.EncodeToString(raw)
}

func large(products, size int) Document {
	random := rand.New(rand.NewPCG(1, 2))
	var doc Document
	for i := range products {
		doc.Products = append(doc.Products, Product{ID: fmt.Sprint(i), Name: fmt.Sprintf("Product %05d", i), Description: noise(random, size)})
	}
	return doc.Canonical()
}

func put(t *testing.T, s *Store, doc Document) string {
	t.Helper()
	hash, err := s.Put(t.Context(), doc)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func items(t *testing.T, db *dynamodb.Client, hash string) []map[string]types.AttributeValue {
	t.Helper()
	var list []map[string]types.AttributeValue
	pages := dynamodb.NewQueryPaginator(db, &dynamodb.QueryInput{
		TableName: aws.String(records), KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": &types.AttributeValueMemberS{Value: "catalog#" + hash}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, page.Items...)
	}
	return list
}

func TestWhatIsPutIsLoadedWhateverItsSize(t *testing.T) {
	t.Parallel()
	store, db := newStore(t)
	for name, c := range map[string]struct {
		doc    Document
		chunks int
	}{
		"an empty document":                {Document{}.Canonical(), 1},
		"a small one":                      {zoo().document(), 1},
		"one larger than a page of Query":  {large(15, 100_000), 6},
		"one that is large and compresses": {Document{Products: []Product{{ID: "x", Description: strings.Repeat("y", 1<<20)}}}.Canonical(), 5},
	} {
		hash := put(t, store, c.doc)
		if again := put(t, store, c.doc); again != hash {
			t.Errorf("%s: hash %s, then %s", name, hash, again)
		}
		if want, err := c.doc.Hash(); err != nil || want != hash {
			t.Errorf("%s: stored under %s, its hash is %s (%v)", name, hash, want, err)
		}
		got, err := store.Load(t.Context(), hash)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.doc, got); diff != "" {
			t.Errorf("%s (-put +loaded):\n%s", name, diff)
		}
		chunks := items(t, db, hash)
		if len(chunks) != c.chunks {
			t.Errorf("%s: %d chunks, want %d", name, len(chunks), c.chunks)
		}
		for _, chunk := range chunks {
			if size := len(chunk["gzip"].(*types.AttributeValueMemberB).Value); size > 300_000 {
				t.Errorf("%s: a chunk of %d bytes", name, size)
			}
		}
	}
}

func TestAnUnknownHashIsNotFound(t *testing.T) {
	t.Parallel()
	store, _ := newStore(t)
	if _, err := store.Load(t.Context(), "0000"); portal.CodeOf(err) != portal.NotFound {
		t.Errorf("error %v", err)
	}
}

func TestADocumentThatIsNotWholeIsAnErrorAndPuttingItAgainMendsIt(t *testing.T) {
	t.Parallel()
	store, db := newStore(t)
	doc := large(3, 200_000)
	hash := put(t, store, doc)
	last := items(t, db, hash)[2]
	_, err := db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
		TableName: aws.String(records), Key: map[string]types.AttributeValue{"pk": last["pk"], "sk": last["sk"]},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Load(t.Context(), hash); portal.CodeOf(err) != portal.Internal {
		t.Errorf("error %v, want one without a code", err)
	}
	put(t, store, doc)
	if _, err := store.Load(t.Context(), hash); err != nil {
		t.Errorf("after putting it again: %v", err)
	}
}

// petsStage makes an API with one stage.
func petsStage(t *testing.T, client *apigateway.Client) apitypes.ApiStage {
	t.Helper()
	api, err := client.CreateRestApi(t.Context(), &apigateway.CreateRestApiInput{Name: aws.String("Pets")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.PutMethod(t.Context(), &apigateway.PutMethodInput{
		RestApiId: api.Id, ResourceId: api.RootResourceId, HttpMethod: aws.String("GET"), AuthorizationType: aws.String("NONE"),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.PutIntegration(t.Context(), &apigateway.PutIntegrationInput{
		RestApiId: api.Id, ResourceId: api.RootResourceId, HttpMethod: aws.String("GET"), Type: apitypes.IntegrationTypeMock,
		RequestTemplates: map[string]string{"application/json": `{"statusCode": 200}`},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = client.CreateDeployment(t.Context(), &apigateway.CreateDeploymentInput{RestApiId: api.Id, StageName: aws.String("prod")}); err != nil {
		t.Fatal(err)
	}
	return apitypes.ApiStage{ApiId: api.Id, Stage: aws.String("prod")}
}
