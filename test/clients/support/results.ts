import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Subject } from './client.ts'

export const features = [
  'chat',
  'stream',
  'tools',
  'schema',
  'embeddings',
  'count tokens',
  'cancel',
  'errors',
  'faults before the answer',
  'faults in mid-answer',
  'real model',
] as const
export type Feature = (typeof features)[number]

/** Of a feature: how many of its cases passed, and what the client itself does not do. */
export interface Tally {
  passed: number
  failed: number
  shortcomings: string[]
}

export interface ClientResults {
  client: string
  package: string
  registry: string
  version: string
  dialect: string
  features: Partial<Record<Feature, Tally>>
}

const clients = fileURLToPath(new URL('..', import.meta.url))

/** Collects what one client did, for the run that named a folder for it; without one nothing is kept. */
export function createRecorder(subject: Subject, part = 'mock') {
  const tallies: ClientResults['features'] = {}
  return {
    take(feature: Feature, outcome: 'passed' | 'failed', shortcoming?: string) {
      tallies[feature] ??= { passed: 0, failed: 0, shortcomings: [] }
      tallies[feature][outcome] += 1
      if (shortcoming) tallies[feature].shortcomings.push(shortcoming)
    },
    write() {
      const folder = process.env.LMAPP_CLIENT_RESULTS
      if (!folder) return
      mkdirSync(folder, { recursive: true })
      const { name: client, package: packageName, registry, dialect } = subject
      const version = readVersion(subject)
      const results = { client, package: packageName, registry, version, dialect, features: tallies }
      writeFileSync(join(folder, `${client.replaceAll(/\W+/g, '-')}-${registry}.${part}.json`), JSON.stringify(results))
    },
  }
}

function readVersion({ package: name, registry }: Subject): string {
  if (registry === 'npm') return JSON.parse(readFileSync(join(clients, 'package.json'), 'utf8')).dependencies[name]
  const requirements = ['requirements-sdks.txt', 'requirements-litellm.txt']
    .map((file) => readFileSync(join(clients, file), 'utf8'))
    .join('\n')
  return new RegExp(`^${name}==(.*)$`, 'm').exec(requirements)?.[1] ?? ''
}
