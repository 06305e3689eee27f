import type { Proof } from '../judge.ts'
import type { LineRequirementId } from '../requirements.ts'
import { busyProofs } from './busy.ts'
import { creditProofs } from './credit.ts'
import { helloProofs } from './hello.ts'
import { inputProofs } from './input.ts'
import { manifestProofs } from './manifest.ts'
import { observedProofs } from './observed.ts'
import { processProofs } from './process.ts'
import { secretProofs } from './secrets.ts'
import { cancelProofs, wireProofs } from './wire.ts'

export const proofs: Record<LineRequirementId, Proof> = {
  ...manifestProofs,
  ...helloProofs,
  ...wireProofs,
  ...cancelProofs,
  ...creditProofs,
  ...inputProofs,
  ...busyProofs,
  ...processProofs,
  ...observedProofs,
  ...secretProofs,
}
