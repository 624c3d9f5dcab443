// The official HubSpot client against the sandbox, unchanged but for its base path.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'

import { Client } from '@hubspot/api-client'

import { sandbox } from './sandbox.mjs'

describe('the official HubSpot client', () => {
  let access, client, running
  // The sandbox may be shared and may have been used before: names of this run are its own.
  const run = Date.now().toString(36)
  const at = (name) => `${name}.${run}@example.com`

  before(async () => {
    running = await sandbox()
    access = running.access.hubspot
    client = new Client({ accessToken: access.access_token, basePath: access.base_url, numberOfApiCallRetries: 0 })
  })

  after(() => running.stop())

  async function tell(what, body) {
    const answer = await fetch(`${access.base_url}/_sandbox/${what}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    assert.ok(answer.ok, `${what}: ${answer.status}`)
  }

  const refused = (promise, code) =>
    assert.rejects(promise, (error) => {
      assert.equal(error.code, code)
      return true
    })

  const contact = (email, more = {}) =>
    client.crm.contacts.basicApi.create({ properties: { email, ...more }, associations: [] })

  it('refreshes its token', async () => {
    const fresh = new Client({ basePath: access.base_url })
    const token = await fresh.oauth.tokensApi.create(
      'refresh_token', undefined, undefined, access.client_id, access.client_secret, access.refresh_token,
    )
    assert.equal(token.expiresIn ?? token.expires_in, 1800)
    fresh.setAccessToken(token.accessToken ?? token.access_token)
    await fresh.crm.contacts.basicApi.getPage(1)
    const wrong = fresh.oauth.tokensApi.create(
      'refresh_token', undefined, undefined, access.client_id, access.client_secret, 'eu1-wrong',
    )
    await assert.rejects(wrong, (error) => {
      assert.equal(error.code, 400)
      assert.equal(error.body.status, 'BAD_REFRESH_TOKEN')
      return true
    })
  })

  it('makes a property with unique values', async () => {
    const draft = {
      groupName: 'contactinformation', name: `ext_${run}`, label: 'External id', type: 'string', fieldType: 'text',
      hasUniqueValue: true, hidden: false, formField: false,
    }
    const made = await client.crm.properties.coreApi.create('contacts', draft)
    assert.equal(made.hasUniqueValue, true)
    assert.ok(made.createdAt instanceof Date)
    await refused(client.crm.properties.coreApi.create('contacts', draft), 409)
    const all = await client.crm.properties.coreApi.getAll('contacts')
    assert.ok(all.results.some((property) => property.name === `ext_${run}`))
  })

  it('creates, reads, changes and archives a contact', async () => {
    const made = await contact(at('Anna.Beck').toUpperCase(), { firstname: 'Anna' })
    assert.equal(made.properties.email, at('anna.beck'))
    assert.ok(made.createdAt instanceof Date)
    const read = await client.crm.contacts.basicApi.getById(
      at('anna.beck'), ['email', 'firstname', 'city'], ['firstname'], undefined, false, 'email',
    )
    assert.equal(read.id, made.id)
    assert.equal(read.properties.city, null)
    assert.equal(read.propertiesWithHistory.firstname[0].sourceType, 'INTEGRATION')
    const changed = await client.crm.contacts.basicApi.update(made.id, { properties: { city: 'Ulm' } })
    assert.equal(changed.properties.city, 'Ulm')
    await client.crm.contacts.basicApi.archive(made.id)
    await refused(client.crm.contacts.basicApi.getById(made.id), 404)
  })

  it('is told the id of the contact that has the address', async () => {
    const { id } = await contact(at('twice'))
    await assert.rejects(contact(at('TWICE')), (error) => {
      assert.equal(error.code, 409)
      assert.equal(error.body.category, 'CONFLICT')
      assert.match(error.body.message, new RegExp(`Existing ID: ${id}$`))
      return true
    })
  })

  it('gets a batch with a bad row back in part when it sent trace ids', async () => {
    const row = (trace, properties) => ({ objectWriteTraceId: trace, properties, associations: [] })
    const answer = await client.crm.contacts.batchApi.create({
      inputs: [row('good', { email: at('batch') }), row('bad', { nonsense: 'x' })],
    })
    assert.equal(answer.numErrors, 1)
    assert.equal(answer.results.length, 1)
    assert.deepEqual(answer.errors[0].context.objectWriteTraceId, ['bad'])
    const all = { inputs: [{ properties: { email: at('other') } }, { properties: { nonsense: 'x' } }] }
    await refused(client.crm.contacts.batchApi.create(all), 400)
    await refused(client.crm.contacts.basicApi.getById(at('other'), [], [], [], false, 'email'), 404)
  })

  it('upserts by a unique property', async () => {
    const inputs = (city) => ({ inputs: ['u-1', 'u-2'].map((id) => ({ id, idProperty: `ext_${run}`, properties: { city } })) })
    const first = await client.crm.contacts.batchApi.upsert(inputs('Ulm'))
    assert.deepEqual(first.results.map((row) => row._new), [true, true])
    const second = await client.crm.contacts.batchApi.upsert(inputs('Bonn'))
    assert.deepEqual(second.results.map((row) => row._new), [false, false])
  })

  it('searches page by page, once the index has caught up', async () => {
    for (let n = 0; n < 5; n++) await contact(at(`page${n}`), { city: `Pagetown ${run}` })
    const query = (after) => ({
      filterGroups: [{ filters: [{ propertyName: 'city', operator: 'EQ', value: `pagetown ${run}` }] }],
      sorts: ['email'], properties: ['email'], limit: 2, after,
    })
    assert.equal((await client.crm.contacts.searchApi.doSearch(query())).total, 0)
    await tell('clock', { advance_seconds: 60 })
    const found = []
    for (let after; ;) {
      const page = await client.crm.contacts.searchApi.doSearch(query(after))
      assert.equal(page.total, 5)
      found.push(...page.results.map((row) => row.properties.email))
      after = page.paging?.next?.after
      if (!after) break
    }
    assert.deepEqual(found, [0, 1, 2, 3, 4].map((n) => at(`page${n}`)))
    const all = await client.crm.contacts.getAll(3, undefined, ['email'])
    assert.ok(all.length >= 5)
  })

  it('associates a contact with a company', async () => {
    const { id } = await contact(at('assoc'))
    const company = await client.crm.companies.basicApi.create({ properties: { name: 'A' }, associations: [] })
    const { v4 } = client.crm.associations
    const none = await v4.batchApi.getPage('contacts', 'companies', { inputs: [{ id }] })
    assert.equal(none.errors[0].subCategory, 'crm.associations.NO_ASSOCIATIONS_FOUND')
    await v4.basicApi.createDefault('contacts', id, 'companies', company.id)
    const primary = [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 1 }]
    const labels = await v4.basicApi.create('contacts', id, 'companies', company.id, primary)
    assert.deepEqual(labels.labels, ['Primary'])
    const read = await v4.batchApi.getPage('contacts', 'companies', { inputs: [{ id }] })
    assert.equal(String(read.results[0].to[0].toObjectId), company.id)
    assert.deepEqual(read.results[0].to[0].associationTypes.map((kind) => kind.typeId).sort(), [1, 279])
    const definitions = await v4.schema.definitionsApi.getAll('contacts', 'companies')
    assert.ok(definitions.results.some((kind) => kind.typeId === 279 && kind.label === null))
    await v4.basicApi.archive('contacts', id, 'companies', company.id)
  })

  it('merges two contacts into a third', async () => {
    const [one, two] = [await contact(at('m1')), await contact(at('m2'))]
    const merge = { primaryObjectId: one.id, objectIdToMerge: two.id }
    const three = await (client.crm.contacts.publicObjectApi ?? client.crm.contacts.basicApi).merge(merge)
    assert.notEqual(three.id, one.id)
    assert.equal((await client.crm.contacts.basicApi.getById(two.id)).id, three.id)
  })

  it('reads owners and reaches the dated paths', async () => {
    const owners = await client.crm.owners.ownersApi.getPage('messe@example.com')
    assert.equal(owners.results.length, 1)
    const answer = await client.apiRequest({ method: 'GET', path: '/crm/objects/2026-09/contacts', qs: { limit: 1 } })
    assert.equal((await answer.json()).results.length, 1)
    assert.ok(answer.headers.get('x-hubspot-ratelimit-remaining'))
  })

  it('understands the refusal of a bad token', async () => {
    const stranger = new Client({ accessToken: 'nonsense', basePath: access.base_url, numberOfApiCallRetries: 0 })
    await refused(stranger.crm.contacts.basicApi.getPage(), 401)
  })
})
