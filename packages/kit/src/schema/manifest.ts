import * as z from 'zod'
import { type Manifest, pluginNamePattern, requiredMethods } from '../manifest.ts'
import { capabilities } from './backend.ts'
import { jsonSchema, members } from './members.ts'

export const manifest = members<Manifest>()({
  name: z.string().regex(pluginNamePattern),
  version: z.string(),
  description: z.exactOptional(z.string()),
  language: z.string().describe('For people: `rust`, `go`, `python`, `node`.'),
  interface_version: z.string().regex(/^\d+\.\d+$/),
  methods: z.array(z.string()).describe(`Must include ${requiredMethods.join(', ')}.`),
  execution: z.enum(['subprocess', 'ffi', 'grpc']),
  platforms: z.exactOptional(z.array(z.string())).describe('`linux-x64`, `darwin-arm64`, `win32-x64` …; absent: all.'),
  command: z
    .exactOptional(z.array(z.string()).min(1))
    .describe(
      "For `subprocess`: program and arguments. A relative program or script is taken from the manifest's folder.",
    ),
  address: z.exactOptional(z.string()).describe('For `grpc`: `host:port` on loopback, or `unix:PATH`.'),
  library: z
    .exactOptional(z.union([z.string(), z.record(z.string(), z.string())]))
    .describe('For `ffi`: the shared library, by platform or for all.'),
  capabilities: z.exactOptional(capabilities),
  config_schema: z.exactOptional(jsonSchema).describe('JSON Schema of `config` in `hello`.'),
}) satisfies z.ZodType<Manifest>
