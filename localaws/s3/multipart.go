package s3

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// upload is a multipart upload that is neither completed nor aborted. It is of no object yet.
type upload struct {
	ID, Key string
	Headers map[string]string
}

// part is a part without its content.
type part struct {
	Number, Size int
	ETag         string // MD5 in hexadecimal
}

const (
	mostParts = 10000
	leastPart = 5 << 20 // of all parts but the last
)

// Uploads have one bucket each S3 bucket. Their parts have one each upload; keys are part numbers of five digits.
func uploadsIn(tx *store.Tx, bucket string) store.Bucket { return tx.Bucket("s3", "uploads", bucket) }
func partsIn(tx *store.Tx, upload string) store.Bucket   { return tx.Bucket("s3", "parts", upload) }
func partContentsIn(tx *store.Tx, upload string) store.Bucket {
	return tx.Bucket("s3", "partcontents", upload)
}

func partKey(number int) string { return fmt.Sprintf("%05d", number) }

func noSuchUpload(id string) *wire.Error {
	return about(refusal(http.StatusNotFound, "NoSuchUpload",
		"The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."), "UploadId", id)
}

type begunAnswer struct {
	XMLName   xml.Name `xml:"InitiateMultipartUploadResult"`
	Namespace string   `xml:"xmlns,attr"`
	Bucket    string
	Key       string
	UploadID  string `xml:"UploadId"`
}

func (s *Service) beginUpload(c call) error {
	u := upload{ID: wire.NewID(64), Key: c.key, Headers: c.metadata()}
	switch {
	case len(c.key) > maxKey:
		return refusal(http.StatusBadRequest, "KeyTooLongError", "Your key is too long")
	case metaSize(u.Headers) > maxMeta:
		return refusal(http.StatusBadRequest, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
	}
	err := s.env.DB.Update(func(tx *store.Tx) error {
		if _, err := findBucket(tx, c.bucket); err != nil {
			return err
		}
		return store.PutJSON(uploadsIn(tx, c.bucket), u.ID, u)
	})
	if err != nil {
		return err
	}
	c.answer(http.StatusOK, begunAnswer{Namespace: namespace, Bucket: c.bucket, Key: c.key, UploadID: u.ID})
	return nil
}

// findUpload returns the upload that the request names.
func (c call) findUpload(tx *store.Tx) (upload, error) {
	if _, err := findBucket(tx, c.bucket); err != nil {
		return upload{}, err
	}
	id := c.query.Get("uploadId")
	u, found, err := store.GetJSON[upload](uploadsIn(tx, c.bucket), id)
	if err == nil && (!found || u.Key != c.key) {
		err = noSuchUpload(id)
	}
	return u, err
}

// uploadPart replaces a part of the same number.
func (s *Service) uploadPart(c call) error {
	number, err := strconv.Atoi(c.query.Get("partNumber"))
	if err != nil || number < 1 || number > mostParts {
		return invalidArgument("partNumber", c.query.Get("partNumber"), "Part number must be an integer between 1 and %d, inclusive", mostParts)
	}
	p, err := c.body()
	if err != nil {
		return err
	}
	sum := md5.Sum(p.content)
	stored := part{number, len(p.content), hex.EncodeToString(sum[:])}
	err = s.env.DB.Update(func(tx *store.Tx) error {
		u, err := c.findUpload(tx)
		if err != nil {
			return err
		}
		if err := store.PutJSON(partsIn(tx, u.ID), partKey(number), stored); err != nil {
			return err
		}
		contents := partContentsIn(tx, u.ID)
		return contents.Put([]byte(partKey(number)), p.content)
	})
	if err != nil {
		return err
	}
	c.w.Header().Set("Etag", `"`+stored.ETag+`"`)
	if p.checksum != nil {
		c.w.Header().Set(p.checksum.header(), p.sum)
	}
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// completion is the document of CompleteMultipartUpload. The parts' own checksums are not compared.
type completion struct {
	XMLName xml.Name `xml:"CompleteMultipartUpload"`
	Part    []struct {
		PartNumber int
		ETag       string
	}
}

type completedAnswer struct {
	XMLName                     xml.Name `xml:"CompleteMultipartUploadResult"`
	Namespace                   string   `xml:"xmlns,attr"`
	Location, Bucket, Key, ETag string
}

// completeUpload makes the object. It has the conditions of putObject.
func (s *Service) completeUpload(c call) error {
	p, err := c.body()
	if err != nil {
		return err
	}
	var want completion
	if err := xml.Unmarshal(p.content, &want); err != nil || len(want.Part) == 0 {
		return malformedXML()
	}
	var o object
	err = s.env.DB.Update(func(tx *store.Tx) error {
		u, err := c.findUpload(tx)
		if err != nil {
			return err
		}
		have, found, err := store.GetJSON[object](objectsIn(tx, c.bucket), c.key)
		if err != nil {
			return err
		}
		if err := c.mayWrite(have, found); err != nil {
			return err
		}
		content, etag, err := u.assemble(tx, want)
		if err != nil {
			return err
		}
		checksum := checksumCalled(defaultChecksum)
		o = object{
			Key: c.key, Size: len(content), ETag: etag, Modified: s.env.Now().UTC().Truncate(time.Second), Headers: u.Headers,
			Checksum: checksum.name, Sum: checksum.of(content),
		}
		if err := store.PutJSON(objectsIn(tx, c.bucket), c.key, o); err != nil {
			return err
		}
		contents := contentsIn(tx, c.bucket)
		if err := contents.Put([]byte(c.key), content); err != nil {
			return err
		}
		return u.remove(tx, c.bucket)
	})
	if err != nil {
		return err
	}
	c.answer(http.StatusOK, completedAnswer{Namespace: namespace, Bucket: c.bucket, Key: c.key, ETag: o.quotedETag()})
	return nil
}

// assemble joins the parts. The ETag is the MD5 of their MD5s, and their number.
func (u upload) assemble(tx *store.Tx, want completion) (content []byte, etag string, err error) {
	for i, one := range want.Part {
		if i > 0 && one.PartNumber <= want.Part[i-1].PartNumber {
			return nil, "", refusal(http.StatusBadRequest, "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
		}
	}
	sums := md5.New()
	for i, one := range want.Part {
		have, found, err := store.GetJSON[part](partsIn(tx, u.ID), partKey(one.PartNumber))
		switch {
		case err != nil:
			return nil, "", err
		case !found || have.ETag != strings.Trim(one.ETag, `"`):
			return nil, "", refusal(http.StatusBadRequest, "InvalidPart",
				"One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
		case have.Size < leastPart && i < len(want.Part)-1:
			return nil, "", refusal(http.StatusBadRequest, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
		}
		raw, err := hex.DecodeString(have.ETag)
		if err != nil {
			return nil, "", fmt.Errorf("reading the ETag of a part: %w", err)
		}
		_, _ = sums.Write(raw)
		content = append(content, partContentsIn(tx, u.ID).Get([]byte(partKey(one.PartNumber)))...)
	}
	return content, fmt.Sprintf("%x-%d", sums.Sum(nil), len(want.Part)), nil
}

func (u upload) remove(tx *store.Tx, bucket string) error {
	all, err := store.AllJSON[part](partsIn(tx, u.ID))
	if err != nil {
		return err
	}
	for _, one := range all {
		key := []byte(partKey(one.Number))
		if err := partsIn(tx, u.ID).Delete(key); err != nil {
			return err
		}
		if err := partContentsIn(tx, u.ID).Delete(key); err != nil {
			return err
		}
	}
	return uploadsIn(tx, bucket).Delete([]byte(u.ID))
}

func (s *Service) abortUpload(c call) error {
	err := s.env.DB.Update(func(tx *store.Tx) error {
		u, err := c.findUpload(tx)
		if err != nil {
			return err
		}
		return u.remove(tx, c.bucket)
	})
	if err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
