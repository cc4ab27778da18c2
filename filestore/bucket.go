package filestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// BucketOptions say where a bucket is.
type BucketOptions struct {
	Endpoint  string // host:port
	Plain     bool   // HTTP without TLS
	Bucket    string // there is one already
	Prefix    string // before each name: a folder of this service's own
	Region    string // empty: the service tells
	AccessKey string // empty: that of the environment, or of the machine (AWS_ACCESS_KEY_ID, an instance's role)
	SecretKey string
	Transport http.RoundTripper // nil: the usual one
}

// Bucket is a Store in a bucket of a service that speaks S3.
type Bucket struct {
	client *minio.Client
	BucketOptions
}

// pieceBytes is how large the pieces are in which a file of unknown size is sent. Each lies in
// memory. 10,000 of them are 160 GB.
const pieceBytes = 16 << 20

// NewBucket keeps files in a bucket. It asks nothing of it yet.
func NewBucket(o BucketOptions) (*Bucket, error) {
	keys := credentials.NewStaticV4(o.AccessKey, o.SecretKey, "")
	if o.AccessKey == "" {
		keys = credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.IAM{}})
	}

	client, err := minio.New(o.Endpoint, &minio.Options{Creds: keys, Secure: !o.Plain, Region: o.Region,
		Transport: o.Transport})
	if err != nil {
		return nil, fmt.Errorf("bucket %s at %s: %w", o.Bucket, o.Endpoint, err)
	}
	if o.Prefix != "" {
		o.Prefix = strings.Trim(o.Prefix, "/") + "/"
	}

	return &Bucket{client, o}, nil
}

// Put writes a file. The service shows it when all of it is there.
func (b *Bucket) Put(ctx context.Context, name string, size int64, content io.Reader) (int64, error) {
	if _, _, err := split(name); err != nil {
		return 0, fmt.Errorf("write %q: %w", name, err)
	}

	if size == 0 {
		content = http.NoBody // of what has no bytes the client must see that it has none
	}

	counted := &counting{r: content}
	_, err := b.client.PutObject(ctx, b.Bucket, b.Prefix+name, counted, size,
		minio.PutObjectOptions{ContentType: "application/octet-stream", PartSize: pieceBytes})
	if err != nil {
		return 0, fmt.Errorf("write %q: %w", name, err)
	}

	return counted.n, nil
}

type counting struct {
	r io.Reader
	n int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)

	return n, err
}

// Open reads a file from a byte on.
func (b *Bucket) Open(ctx context.Context, name string, offset int64) (io.ReadCloser, error) {
	if _, _, err := split(name); err != nil {
		return nil, fmt.Errorf("read %q: %w", name, err)
	}

	var from minio.GetObjectOptions
	if offset > 0 {
		if err := from.SetRange(offset, 0); err != nil {
			return nil, fmt.Errorf("read %q: %w", name, err)
		}
	}

	body, _, _, err := minio.Core{Client: b.client}.GetObject(ctx, b.Bucket, b.Prefix+name, from)
	if minio.ToErrorResponse(err).Code == "NoSuchKey" {
		return nil, fmt.Errorf("read %q: %w", name, ErrMissing)
	}
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", name, err)
	}

	return body, nil
}

// Names are the files of a folder.
func (b *Bucket) Names(ctx context.Context, folder string) (names []string, err error) {
	if !plain(folder) {
		return nil, fmt.Errorf("list %q: %w", folder, errName)
	}

	return b.list(ctx, folder+"/")
}

// Folders are all there are.
func (b *Bucket) Folders(ctx context.Context) (folders []string, err error) {
	all, err := b.list(ctx, "")
	for _, name := range all {
		if folder, isFolder := strings.CutSuffix(name, "/"); isFolder && plain(folder) {
			folders = append(folders, folder)
		}
	}

	return folders, err
}

func (b *Bucket) list(ctx context.Context, prefix string) (names []string, err error) {
	ctx, stop := context.WithCancel(ctx) // or else the list goes on behind an error
	defer stop()

	for o := range b.client.ListObjects(ctx, b.Bucket, minio.ListObjectsOptions{Prefix: b.Prefix + prefix}) {
		if o.Err != nil {
			return nil, fmt.Errorf("list files: %w", o.Err)
		}

		names = append(names, strings.TrimPrefix(o.Key, b.Prefix))
	}

	return names, nil
}

// Remove deletes a file, and the pieces of one that a process that died was sending.
func (b *Bucket) Remove(ctx context.Context, name string) error {
	if _, _, err := split(name); err != nil {
		return fmt.Errorf("remove %q: %w", name, err)
	}

	unfinished := b.client.RemoveIncompleteUpload(ctx, b.Bucket, b.Prefix+name)
	if minio.ToErrorResponse(unfinished).Code == minio.NoSuchUpload { // some services say so of none
		unfinished = nil
	}

	err := errors.Join(unfinished, b.client.RemoveObject(ctx, b.Bucket, b.Prefix+name, minio.RemoveObjectOptions{}))
	if err != nil {
		return fmt.Errorf("remove %q: %w", name, err)
	}

	return nil
}
