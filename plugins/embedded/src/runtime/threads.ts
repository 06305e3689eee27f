import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'

export interface ThreadSources {
  /** Cores that the scheduler lets this process use. */
  available?: number
  /** Text of `/proc/self/cgroup`, and where control groups are mounted. */
  cgroup?: string
  cgroupRoot?: string
}

/**
 * Threads that llama.cpp may use at once: never more than the cores there really are for this process.
 * Its workers spin while they wait, so one thread too many costs two orders of magnitude.
 */
export function countThreads(configured: number | undefined, sources: ThreadSources = {}): number {
  const available = sources.available ?? availableParallelism()
  const quota = cgroupQuota(sources.cgroup ?? readText('/proc/self/cgroup'), sources.cgroupRoot ?? '/sys/fs/cgroup')
  return Math.max(1, Math.min(configured ?? available, available, Math.floor(quota)))
}

/** Cores' worth of time that the control groups of this process allow: the smallest of all levels. */
function cgroupQuota(membership: string, root: string): number {
  const quotas = membership.split('\n').flatMap((line) => {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (path === '') return []
    if (controllers === '') return levels(path).map((level) => readVersion2(join(root, level)))
    if (!controllers.split(',').includes('cpu')) return []
    return [controllers, 'cpu'].flatMap((mount) => levels(path).map((level) => readVersion1(join(root, mount, level))))
  })
  return Math.min(Number.POSITIVE_INFINITY, ...quotas)
}

function levels(path: string): string[] {
  return path === '/' || path === '.' ? [path] : [path, ...levels(dirname(path))]
}

function readVersion2(folder: string): number {
  const [quota, period] = readText(join(folder, 'cpu.max')).split(/\s+/).map(Number)
  return toCores(quota, period)
}

function readVersion1(folder: string): number {
  return toCores(
    Number(readText(join(folder, 'cpu.cfs_quota_us')).trim()),
    Number(readText(join(folder, 'cpu.cfs_period_us')).trim()),
  )
}

/** `max`, -1 and a missing file mean no limit. */
function toCores(quota: number | undefined, period: number | undefined): number {
  return quota && period && quota > 0 && period > 0 ? quota / period : Number.POSITIVE_INFINITY
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
