import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Subject } from './client.ts'

export const features = [
  'chat',
  'stream',
  'tools',
  'schema',
  'images',
  'reasoning',
  'embeddings',
  'count tokens',
  'cancel',
  'errors',
  'keys',
  'faults before the answer',
  'faults in mid-answer',
  'real model',
] as const
export type Feature = (typeof features)[number]

/** Of a feature: how many of its cases passed and did not, and why the client itself cannot do some of them. */
export interface Tally {
  passed: number
  failed: number
  lacks: string[]
}

export interface ClientResults {
  client: string
  registry: 'npm' | 'PyPI'
  /** With their versions. */
  packages: string[]
  dialect: string
  features: Partial<Record<Feature, Tally>>
}

export interface Recorder {
  take(feature: Feature, passed: boolean): void
  lacks(feature: Feature, reason: string): void
  write(): void
}

const clients = fileURLToPath(new URL('..', import.meta.url))

/** Collects what one client did, for the run that named a folder for it; without one nothing is kept. */
export function createRecorder(subject: Subject, part = 'scripted'): Recorder {
  const features: ClientResults['features'] = {}
  const tally = (feature: Feature) => {
    features[feature] ??= { passed: 0, failed: 0, lacks: [] }
    return features[feature]
  }
  return {
    take(feature, passed) {
      tally(feature)[passed ? 'passed' : 'failed'] += 1
    },
    lacks: (feature, reason) => void tally(feature).lacks.push(reason),
    write() {
      const folder = process.env.LMAPP_CLIENT_RESULTS
      if (!folder) return
      const { name: client, registry, dialect } = subject
      const packages = subject.packages.map((name) => `${name} ${readVersion(name, registry)}`)
      const results: ClientResults = { client, registry, packages, dialect, features }
      const file = `${registry}-${client.replaceAll(/\W+/g, '-')}.${part}.json`
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, file), JSON.stringify(results))
    },
  }
}

function readVersion(name: string, registry: Subject['registry']): string {
  if (registry === 'npm') return JSON.parse(readFileSync(join(clients, 'package.json'), 'utf8')).dependencies[name]
  const requirements = ['requirements-sdks.txt', 'requirements-litellm.txt']
    .map((file) => readFileSync(join(clients, file), 'utf8'))
    .join('\n')
  return new RegExp(`^${name}==(.*)$`, 'm').exec(requirements)?.[1] ?? ''
}
