import { useOperation, type InputFor, type OutputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { slotTitle } from '../tokens/core-wording.ts';
import { Notice, RadioGroup, Select } from '../ui/index.ts';

/** Where in a token a key goes, and what the token shall ask for when it acts. What is left out the token decides. */
export type InToken = Pick<InputFor<'keys.generate'>, 'slot' | 'pinPolicy' | 'touchPolicy'>;

const TOKEN = 'token';

/** What of a token the fields need to know. `undefined` as its id: none is chosen. */
export function useTokenPlace(token: string | undefined): { detail: OutputFor<'tokens.show'> | undefined; slots: OutputFor<'tokens.slots'>['slots'] } {
  const detail = useOperation('tokens.show', token === undefined ? undefined : { token });
  const slots = useOperation('tokens.slots', token === undefined ? undefined : { token });
  return { detail: detail.data, slots: slots.data?.slots ?? [] };
}

/** Slot, PIN policy and touch policy, as far as this token has them, each explained. */
export function InTokenFields({ place: { detail, slots }, value, onChange, fixedSlot = false }: { place: ReturnType<typeof useTokenPlace>; value: InToken; onChange: (value: InToken) => void; fixedSlot?: boolean }) {
  const t = useText();
  const taken = slots.find(({ slot }) => slot === value.slot);
  const occupied = taken !== undefined && taken.state !== 'empty' && taken.state !== 'certificate-only';
  const { pinPolicies = [], touchPolicies = [] } = detail ?? {};
  const set = <K extends keyof InToken>(name: K, chosen: InToken[K] | typeof TOKEN): void => {
    const { [name]: _before, ...rest } = value;
    onChange(chosen === TOKEN || chosen === undefined ? rest : { ...rest, [name]: chosen });
  };
  // PKCS#11 names its objects itself: there, every slot of the list holds something.
  const choosesSlot = slots.some(({ state }) => state === 'empty');
  return (
    <>
      {choosesSlot && !fixedSlot && (
        <Select
          label={t('keys.slot')} value={value.slot ?? TOKEN} onChange={(slot: string) => set('slot', slot)}
          choices={[{ value: TOKEN, label: t('keys.new.anySlot') }, ...slots.map(({ slot, title, state }) => ({ value: slot, label: t('keys.slotNamed', { slot, title: slotTitle(title, t) }), help: t(`tokens.slotState.${state}`) }))]}
        />
      )}
      {occupied && <Notice tone="danger" title={t('tokens.occupied.title')}>{t('tokens.occupied.help')}</Notice>}
      {pinPolicies.length > 0 && (
        <Select
          label={t('keys.new.pinPolicy')} value={value.pinPolicy ?? TOKEN} onChange={(policy) => set('pinPolicy', policy)}
          choices={[{ value: TOKEN, label: t('keys.new.tokenDecides') }, ...pinPolicies.filter((policy) => policy !== 'unknown').map((policy) => ({ value: policy, label: t(`keys.pinPolicyName.${policy}`), help: t(`keys.pinPolicyHelp.${policy}`) }))]}
        />
      )}
      {touchPolicies.length > 0 && (
        <RadioGroup
          label={t('keys.new.touchPolicy')} value={value.touchPolicy ?? TOKEN} onChange={(policy) => set('touchPolicy', policy)}
          options={[...touchPolicies.filter((policy) => policy !== 'unknown').map((policy) => ({ value: policy, label: t(`keys.touchPolicyName.${policy}`), help: t(`keys.touchPolicyHelp.${policy}`) })), { value: TOKEN, label: t('keys.new.tokenDecides') }]}
        />
      )}
    </>
  );
}
