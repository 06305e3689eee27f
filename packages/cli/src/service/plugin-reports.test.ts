import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createProcessRecords } from '@lmapp/backends/processes'
import { createBackendRegistry, createBackendReports } from '@lmapp/core/backends'
import { defaultConfig } from '@lmapp/core/config'
import { isLmappError } from 'lmapp-kit'
import { manifestText, writeFiles } from '../../../backends/src/plugins/install/testing/plugin-files.ts'
import { createPluginCatalogue } from './plugin-catalogue.ts'
import { type ReportsWithPlugins, withPlugins } from './plugin-reports.ts'

const home = mkdtempSync(join(tmpdir(), 'lmapp-reports-'))
const folder = join(home, 'backends')
let reports: ReportsWithPlugins
before(async () => {
  await writeFiles(join(folder, 'bee'), { 'lmapp-backend.json': manifestText('bee', { version: '1.2.3' }) })
  await writeFiles(join(folder, 'broken'), { 'lmapp-backend.json': '{\n"name": 7 }' })
  await writeFiles(join(folder, 'red\u001b[31m\nfolder'), { 'lmapp-backend.json': '{' })
  await writeFiles(join(home, '.local/lib/node_modules/lmapp-backend-wasp'), {
    'lmapp-backend.json': manifestText('wasp'),
  })
  reports = open()
})
after(() => rmSync(home, { recursive: true }))

function open(): ReportsWithPlugins {
  const environment = { NPM_CONFIG_PREFIX: join(home, '.local') }
  const records = createProcessRecords({ dir: join(home, 'processes') })
  const catalogue = createPluginCatalogue({
    ...{ folders: [folder], builtIn: [], environment, records },
    onTrouble: () => {},
  })
  const registry = createBackendRegistry({
    types: () => catalogue.types(),
    config: async () => defaultConfig(),
    automatic: async () => [{ id: 'bee', config: { type: 'bee', enabled: true }, environment: {} }],
    context: () => ({ timeouts: defaultConfig().timeouts, dataDir: '', logFile: '', modelsDir: '' }),
  })
  return withPlugins(createBackendReports(registry), { catalogue, environment, homeDir: home })
}

describe('what is told of plugins', () => {
  it('has the version of the manifest before it ever ran', async () => {
    const { state, version } = await reports.show('bee', {})
    assert.deepEqual([state, version], ['stopped', '1.2.3'])
  })

  it('shows what is broken by the name under which it is listed', async () => {
    const { state, reason, mend } = await reports.show('broken', {})
    assert.equal(state, 'failed')
    assert.match(reason ?? '', /broken\/lmapp-backend\.json:2: "name"/)
    assert.match(mend ?? '', /Correct the file/)
  })

  it('lists a folder by a name that no terminal obeys', async () => {
    const names = (await reports.list({})).map(({ name }) => name)
    assert.deepEqual(
      names.filter((name) => name !== 'wasp'),
      ['bee', 'broken', 'red\u241b[31m folder'],
    )
  })

  it('shows what could be installed, and knows nobody else', async () => {
    assert.equal((await reports.show('wasp', {})).state, 'available')
    await assert.rejects(reports.show('nobody', {}), (error) => isLmappError(error, 'not-found'))
  })
})
