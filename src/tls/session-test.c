/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/session.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/test.h"
#include "tls/serve.h"

/* ---- Certificates ----------------------------------------------------------------------------- */

struct identity {
	EVP_PKEY *key;
	X509 *cert;
};

static void identity_done(struct identity *i)
{
	EVP_PKEY_free(i->key);
	X509_free(i->cert);
}

#define auto_identity auto_(identity_done) struct identity

static void extend(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(e);
	assert_int_equal(X509_add_ext(cert, e, -1), 1);
	X509_EXTENSION_free(e);
}

/* A certificate for @name, signed by @by, or by itself where that is NULL. */
static struct identity make_identity(const char *name, const struct identity *by)
{
	struct identity i = { .key = EVP_EC_gen("P-256"), .cert = X509_new() };
	auto_free char *alternative = xasprintf("DNS:%s", name);
	X509_NAME *subject = X509_get_subject_name(i.cert);

	assert_non_null(i.key);
	(void)X509_set_version(i.cert, 2);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(i.cert), by ? 2 : 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(i.cert), -60);
	(void)X509_gmtime_adj(X509_getm_notAfter(i.cert), 3600);
	(void)X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name,
					 -1, -1, 0);
	(void)X509_set_issuer_name(i.cert, by ? X509_get_subject_name(by->cert) : subject);
	(void)X509_set_pubkey(i.cert, i.key);
	extend(i.cert, NID_basic_constraints, by ? "CA:FALSE" : "critical,CA:TRUE");
	extend(i.cert, NID_subject_alt_name, alternative);
	assert_true(X509_sign(i.cert, by ? by->key : i.key, EVP_sha256()) > 0);
	return i;
}

static void write_pem(int dir, const char *name, X509 *cert, EVP_PKEY *key)
{
	auto_free char *path = xasprintf("%s/%s", test_dir_path(dir), name);
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	if (cert)
		assert_int_equal(PEM_write_X509(f, cert), 1);
	else
		assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	assert_int_equal(fclose(f), 0);
}

static void write_folder(int dir, const struct identity *authority, const struct identity *own)
{
	write_pem(dir, "ca.pem", authority->cert, NULL);
	write_pem(dir, "cert.pem", own->cert, NULL);
	write_pem(dir, "key.pem", NULL, own->key);
}

/* ---- A session between two threads ------------------------------------------------------------ */

struct side {
	SSL_CTX *context;
	const char *host; /* NULL: the server */
	int wire;
	int plain; /* relayed where the handshake is good */
	int code;
	struct error err;
};

static void half_close(int fd)
{
	(void)shutdown(fd, SHUT_WR);
}

static void *run_side(void *arg)
{
	struct side *s = arg;
	auto_ssl *ssl = NULL;

	s->code = tls_begin(s->context, s->wire, s->host, &ssl, &s->err);
	if (s->code == 0)
		tls_relay(ssl, s->plain, s->plain, half_close);
	close_p(&s->wire);
	close_p(&s->plain);
	return NULL;
}

struct meeting {
	struct side server;
	struct side client;
	int at_server; /* the other ends of the plain sides */
	int at_client;
	pthread_t threads[2];
};

static void pair(int *a, int *b)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	*a = ends[0];
	*b = ends[1];
}

static void begin(struct meeting *m, const char *server_folder, const char *client_folder,
		  const char *host)
{
	struct error err = {};

	*m = (struct meeting){ .client.host = host };
	if (tls_context(server_folder, true, &m->server.context, &err) < 0 ||
	    tls_context(client_folder, false, &m->client.context, &err) < 0)
		fail_msg("%s", err.text);
	pair(&m->server.wire, &m->client.wire);
	pair(&m->server.plain, &m->at_server);
	pair(&m->client.plain, &m->at_client);
	assert_int_equal(pthread_create(&m->threads[0], NULL, run_side, &m->server), 0);
	assert_int_equal(pthread_create(&m->threads[1], NULL, run_side, &m->client), 0);
}

static void end(struct meeting *m)
{
	close_p(&m->at_client);
	close_p(&m->at_server);
	(void)pthread_join(m->threads[0], NULL);
	(void)pthread_join(m->threads[1], NULL);
	SSL_CTX_free(m->server.context);
	SSL_CTX_free(m->client.context);
}

/* ---- Tests ------------------------------------------------------------------------------------ */

static void bytes_go_both_ways_and_each_end_is_told(void **state)
{
	auto_identity authority = make_identity("authority", NULL);
	auto_identity own = make_identity("engine.test", &authority);
	auto_test_dir int dir = test_dir();
	struct meeting m;
	static char sent[200000];
	static char got[sizeof(sent)];
	char text[8];

	(void)state;
	write_folder(dir, &authority, &own);
	auto_free char *folder = xstrdup(test_dir_path(dir));
	begin(&m, folder, folder, "engine.test");
	assert_int_equal(write_full(m.at_client, "hello", 5), 0);
	assert_int_equal(read_full(m.at_server, text, 5), 5);
	assert_memory_equal(text, "hello", 5);

	/* the client has said all, the server answers at length */
	(void)shutdown(m.at_client, SHUT_WR);
	assert_int_equal(read_full(m.at_server, text, 1), 0);
	memset(sent, 'x', sizeof(sent));
	for (size_t at = 0; at < sizeof(sent); at += 10000) {
		assert_int_equal(write_full(m.at_server, sent + at, 10000), 0);
		assert_int_equal(read_full(m.at_client, got + at, 10000), 10000);
	}
	assert_memory_equal(sent, got, sizeof(sent));
	(void)shutdown(m.at_server, SHUT_WR);
	assert_int_equal(read_full(m.at_client, text, 1), 0);
	end(&m);
	assert_int_equal(m.server.code, 0);
	assert_int_equal(m.client.code, 0);
}

static void a_peer_of_another_authority_is_refused(void **state)
{
	auto_identity authority = make_identity("authority", NULL);
	auto_identity other = make_identity("other", NULL);
	auto_identity own = make_identity("engine.test", &authority);
	auto_identity stranger = make_identity("stranger", &other);
	auto_test_dir int dir = test_dir();
	auto_test_dir int strange = test_dir();
	struct meeting m;

	(void)state;
	write_folder(dir, &authority, &own);
	/* knows whom to trust, but is not trusted */
	write_folder(strange, &authority, &stranger);
	auto_free char *folder = xstrdup(test_dir_path(dir));
	auto_free char *strange_folder = xstrdup(test_dir_path(strange));
	begin(&m, folder, strange_folder, "engine.test");
	end(&m);
	assert_int_equal(m.server.code, -EACCES);
}

static void a_server_of_another_name_is_refused(void **state)
{
	auto_identity authority = make_identity("authority", NULL);
	auto_identity own = make_identity("engine.test", &authority);
	auto_test_dir int dir = test_dir();
	struct meeting m;

	(void)state;
	write_folder(dir, &authority, &own);
	auto_free char *folder = xstrdup(test_dir_path(dir));
	begin(&m, folder, folder, "elsewhere.test");
	end(&m);
	assert_int_equal(m.client.code, -EACCES);
}

static void folders_without_their_files_are_refused(void **state)
{
	auto_test_dir int dir = test_dir();
	SSL_CTX *context = NULL;
	struct error err = {};

	(void)state;
	assert_true(tls_context(test_dir_path(dir), false, &context, &err) < 0);
	assert_null(context);
	assert_true(err.text[0] != '\0');
}

static void addresses_are_parted(void **state)
{
	static const char *const bad[] = { "",      "host",   ":1",   "host:",     "host:x",
					   "::1:5", "[::1:5", "[]:5", "h:12345678" };
	char host[256];
	char port[8];

	(void)state;
	assert_true(tls_split_address("lab.test:2376", host, port));
	assert_string_equal(host, "lab.test");
	assert_string_equal(port, "2376");
	assert_true(tls_split_address("[::1]:5", host, port));
	assert_string_equal(host, "::1");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(tls_split_address(bad[i], host, port));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_go_both_ways_and_each_end_is_told),
		cmocka_unit_test(a_peer_of_another_authority_is_refused),
		cmocka_unit_test(a_server_of_another_name_is_refused),
		cmocka_unit_test(folders_without_their_files_are_refused),
		cmocka_unit_test(addresses_are_parted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
