import type { Proof } from '../proof.ts'
import type { RequirementId } from '../requirements.ts'
import { logprobProofs, reasoningProofs, schemaProofs, toolProofs, visionProofs } from './abilities.ts'
import { cancelProofs } from './cancel.ts'
import { chatProofs } from './chat.ts'
import { continueProofs } from './continue.ts'
import { errorProofs } from './errors.ts'
import { faultProofs } from './faults.ts'
import { infoProofs } from './info.ts'
import { healthProofs, lifecycleProofs } from './lifecycle.ts'
import { countProofs, embedProofs, loadProofs, pullProofs } from './models.ts'
import { partProofs } from './parts.ts'

/** The proof of each requirement; a missing one does not compile. */
export const proofs: Readonly<Record<RequirementId, Proof>> = {
  ...infoProofs,
  ...healthProofs,
  ...lifecycleProofs,
  ...chatProofs,
  ...partProofs,
  ...cancelProofs,
  ...errorProofs,
  ...continueProofs,
  ...toolProofs,
  ...schemaProofs,
  ...visionProofs,
  ...reasoningProofs,
  ...logprobProofs,
  ...embedProofs,
  ...countProofs,
  ...loadProofs,
  ...pullProofs,
  ...faultProofs,
}
