import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openTemporaryFolder } from '../fixtures/temporary-folder.ts'
import { countThreads } from './threads.ts'

async function put(folder: string, files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true })
    await writeFile(join(folder, path), text)
  }
}

test('never more threads than cores, whatever is configured', () => {
  const unlimited = { available: 2, cgroup: '', cgroupRoot: '/nowhere' }
  assert.equal(countThreads(undefined, unlimited), 2)
  assert.equal(countThreads(64, unlimited), 2)
  assert.equal(countThreads(1, unlimited), 1)
})

test('on this machine: at least one, at most the cores that this process may use', () => {
  const threads = countThreads(undefined)
  assert.ok(threads >= 1 && threads <= availableParallelism())
})

test('control groups, version 2: the smallest quota of all levels holds', async () => {
  await using folder = await openTemporaryFolder()
  await put(folder.path, {
    'cpu.max': 'max 100000\n',
    'a/cpu.max': '350000 100000\n',
    'a/b/cpu.max': '800000 100000\n',
  })
  const sources = { available: 16, cgroup: '0::/a/b\n', cgroupRoot: folder.path }
  assert.equal(countThreads(undefined, sources), 3)
})

test('control groups, version 1: the quota of the cpu controller holds', async () => {
  await using folder = await openTemporaryFolder()
  await put(folder.path, {
    'cpu,cpuacct/box/cpu.cfs_quota_us': '200000\n',
    'cpu,cpuacct/box/cpu.cfs_period_us': '100000\n',
    'cpu,cpuacct/cpu.cfs_quota_us': '-1\n',
    'cpu,cpuacct/cpu.cfs_period_us': '100000\n',
  })
  const cgroup = '5:memory:/box\n4:cpu,cpuacct:/box\n'
  assert.equal(countThreads(undefined, { available: 16, cgroup, cgroupRoot: folder.path }), 2)
})

test('less than one core is one thread', async () => {
  await using folder = await openTemporaryFolder()
  await put(folder.path, { 'cpu.max': '50000 100000\n' })
  assert.equal(countThreads(undefined, { available: 4, cgroup: '0::/\n', cgroupRoot: folder.path }), 1)
})
