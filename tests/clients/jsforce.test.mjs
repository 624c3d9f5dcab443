// jsforce, the widespread Salesforce client, against the sandbox: it must work unchanged.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import jsforce from 'jsforce';

import { sandbox } from './sandbox.mjs';

let running, access, conn;

before(async () => {
  running = await sandbox();
  access = running.access.salesforce;
  conn = new jsforce.Connection({
    instanceUrl: access.base_url,
    accessToken: access.access_token,
    version: '62.0',
    callOptions: { client: 'mittler' },
  });
  await fetch(`${access.base_url}/_sandbox/reset`, { method: 'POST' });
});

after(() => running.stop());

test('client credentials give a connection that knows its org', async () => {
  const fresh = new jsforce.Connection({
    version: '62.0',
    oauth2: { loginUrl: access.base_url, clientId: access.client_id, clientSecret: access.client_secret },
  });
  const user = await fresh.authorize({ grant_type: 'client_credentials' });
  assert.equal(user.organizationId, access.organization_id);
  assert.equal(fresh.instanceUrl, access.base_url);
  assert.equal((await fresh.query('SELECT Id FROM User')).totalSize, 4);
  await assert.rejects(
    new jsforce.OAuth2({ loginUrl: access.base_url, clientId: access.client_id, clientSecret: 'wrong' }).requestToken({
      grant_type: 'client_credentials',
    }),
    /invalid client credentials/,
  );
});

test('an authorization code leads to a refresh token, and an expired session is refreshed', async () => {
  const oauth2 = new jsforce.OAuth2({
    loginUrl: access.base_url,
    clientId: access.client_id,
    clientSecret: access.client_secret,
    redirectUri: 'http://127.0.0.1:1/callback',
    useVerifier: true,
  });
  const answer = await fetch(oauth2.getAuthorizationUrl({ scope: 'api refresh_token' }), { redirect: 'manual' });
  const code = new URL(answer.headers.get('location')).searchParams.get('code');
  const fresh = new jsforce.Connection({ oauth2, version: '62.0' });
  await fresh.authorize(code);
  assert.ok(fresh.refreshToken);
  await oauth2.revokeToken(fresh.accessToken);
  let refreshes = 0;
  fresh.on('refresh', () => refreshes++);
  assert.ok((await fresh.limits()).DailyApiRequests.Max > 0);
  assert.equal(refreshes, 1);
});

test('describe names fields, their types and the external id', async () => {
  const lead = await conn.describe('Lead');
  const field = (name) => lead.fields.find((one) => one.name === name);
  assert.deepEqual([field('LastName').length, field('LastName').nillable], [80, false]);
  assert.deepEqual([field('Mittler_Id__c').externalId, field('Mittler_Id__c').unique], [true, true]);
  assert.ok((await conn.describeGlobal()).sobjects.some((one) => one.name === 'CampaignMember'));
});

test('a record is created, read, updated and deleted', async () => {
  const made = await conn.sobject('Account').create({ Name: 'ACME' });
  assert.equal(made.success, true);
  assert.equal(made.id.length, 18);
  assert.equal((await conn.sobject('Account').retrieve(made.id)).Name, 'ACME');
  assert.equal((await conn.sobject('Account').update({ Id: made.id, Phone: '+49 89 1' })).success, true);
  assert.equal((await conn.sobject('Account').destroy(made.id)).success, true);
  await assert.rejects(conn.sobject('Account').retrieve(made.id), (error) => error.errorCode === 'ENTITY_IS_DELETED');
});

test('an upsert creates once and then updates', async () => {
  const upsert = (more) => conn.sobject('Lead').upsert({ Mittler_Id__c: 'p-1', ...more }, 'Mittler_Id__c');
  const first = await upsert({ LastName: 'Doe', Company: 'ACME' });
  const again = await upsert({ Title: 'Chief' });
  assert.deepEqual([first.created, again.created, again.id], [true, false, first.id]);
});

test("the client's own test table lets an external id be ambiguous", async () => {
  const table = conn.sobject('UpsertTable__c');
  await table.create([{ Name: 'a', ExtId__c: 'X' }, { Name: 'b', ExtId__c: 'X' }]);
  await assert.rejects(table.upsert({ Name: 'c', ExtId__c: 'X' }, 'ExtId__c'), (error) => error.name === 'MULTIPLE_CHOICES');
});

test('a bad row of a collection fails alone', async () => {
  const rows = [
    { Mittler_Id__c: 'c-1', LastName: 'A', Company: 'X' },
    { Mittler_Id__c: 'c-2', Company: 'X' },
    { Mittler_Id__c: 'c-3', LastName: 'C', Company: 'X' },
  ];
  const results = await conn.sobject('Lead').upsert(rows, 'Mittler_Id__c');
  assert.deepEqual(results.map((row) => row.success), [true, false, true]);
  assert.equal(results[1].errors[0].statusCode, 'REQUIRED_FIELD_MISSING');
  const updated = await conn.sobject('Lead').update([{ Id: results[0].id, LastName: 'B' }, { Id: results[2].id, Email: 'x' }]);
  assert.deepEqual(updated.map((row) => row.success), [true, false]);
  const gone = await conn.sobject('Lead').destroy([results[0].id, results[2].id]);
  assert.deepEqual(gone.map((row) => row.success), [true, true]);
});

test('errors carry their code and the fields they are about', async () => {
  await assert.rejects(conn.sobject('Lead').create({ Company: 'X' }), (error) => {
    assert.equal(error.errorCode, 'REQUIRED_FIELD_MISSING');
    return /LastName/.test(error.message);
  });
  await assert.rejects(conn.query('SELECT Nope FROM Lead'), (error) => error.errorCode === 'INVALID_FIELD');
});

test('a result is read page by page with queryMore', async () => {
  const rows = Array.from({ length: 450 }, (_, n) => ({ Name: `row ${n}` }));
  for (let from = 0; from < rows.length; from += 200) {
    await conn.sobject('BigTable__c').create(rows.slice(from, from + 200));
  }
  const paged = new jsforce.Connection({ instanceUrl: access.base_url, accessToken: access.access_token, version: '62.0' });
  const headers = { 'Sforce-Query-Options': 'batchSize=200' };
  let page = await paged.query('SELECT Id, Name FROM BigTable__c', { headers });
  const sizes = [page.records.length];
  while (!page.done) {
    page = await paged.queryMore(page.nextRecordsUrl);
    sizes.push(page.records.length);
  }
  assert.equal(sizes.reduce((sum, size) => sum + size, 0), 450);
  assert.deepEqual(sizes, [200, 200, 50]);
  assert.equal((await conn.query('SELECT Id FROM BigTable__c', { autoFetch: true, maxFetch: 1000 })).records.length, 450);
});

test('find builds SOQL that the sandbox understands', async () => {
  const since = new Date(Date.now() - 3600_000);
  const found = await conn
    .sobject('Lead')
    .find({ LastName: { $like: 'D%' }, CreatedDate: { $gte: jsforce.SfDate.toDateTimeLiteral(since) }, IsConverted: false })
    .select('Id, LastName, Owner.Name')
    .sort('-CreatedDate')
    .limit(5);
  assert.equal(found.length, 1);
  assert.equal(found[0].Owner.Name, 'Mittler Integration');
});

test('composite calls through the generic request method keep their references', async () => {
  const body = {
    allOrNone: true,
    compositeRequest: [
      { method: 'POST', url: '/services/data/v62.0/sobjects/Account', referenceId: 'acc', body: { Name: 'Ref' } },
      { method: 'POST', url: '/services/data/v62.0/sobjects/Contact', referenceId: 'con', body: { LastName: 'R', AccountId: '@{acc.id}' } },
    ],
  };
  const answer = await conn.requestPost('/services/data/v62.0/composite', body);
  assert.deepEqual(answer.compositeResponse.map((part) => part.httpStatusCode), [201, 201]);
});

test('a bulk upsert loads rows and reports the bad one', async () => {
  conn.bulk2.pollInterval = 10;
  conn.bulk2.pollTimeout = 10_000;
  const result = await conn.bulk2.loadAndWaitForResults({
    object: 'Lead',
    operation: 'upsert',
    externalIdFieldName: 'Mittler_Id__c',
    input: [
      { Mittler_Id__c: 'b-1', LastName: 'A', Company: 'X' },
      { Mittler_Id__c: 'b-2', LastName: '', Company: 'X' },
    ],
  });
  assert.deepEqual([result.successfulResults.length, result.failedResults.length], [1, 1]);
  assert.match(result.failedResults[0].sf__Error, /^REQUIRED_FIELD_MISSING:/);
  const stream = await conn.bulk2.query("SELECT Id, LastName FROM Lead WHERE Mittler_Id__c = 'b-1'");
  const rows = await stream.toArray();
  assert.deepEqual(rows.map((row) => row.LastName), ['A']);
});
