import { parseCvcs, type Cvc } from './cvc.ts';

/**
 * CardContact's Scheme Root CA, under which the issuers of all SmartCard-HSMs and Nitrokey HSMs stand. It vouches for itself by nothing but
 * being here: SHA-256 453a391015c5fbb60116c838ed613591828bf62ac8a1aca276ce4e60525ec3e3, as CardContact and OpenSC publish it.
 */
const CARDCONTACT_ROOT =
  '7f218201b47f4e82016c5f290100420e44455352434143433130303030317f4982011d060a04007f000702020202038120a9fb57dba1eea9bc3e660a909d838d726e3bf623d5262028'
  + '2013481d1f6e537782207d5a0975fc2c3057eef67530417affe7fb8055c126dc5c6ce94a4b44f330b5d9832026dc5c6ce94a4b44f330b5d9bbd77cbf958416295cf7e1ce6bccdc18ff'
  + '8c07b68441048bd2aeb9cb7e57cb2c4b482ffc81b7afb9de27e1e3bd23c23a4453bd9ace3262547ef835c3dac4fd97f8461a14611dc9c27745132ded8e545c1d54c72f0469978520a9'
  + 'fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a78641046d025a8026cdba245f10df1b72e9880fff746dab40a43a3d5c6bebf27707c30f6dea72430ee328'
  + '7b0665c1eaa6eaa4fa26c46303001983f82bd1aa31e03da0628701015f200e44455352434143433130303030317f4c10060b2b0601040181c31f0301015301c05f2506010201010009'
  + '5f24060302010100085f37409dbb382b1711d2baacb0c623d40c6267d0b52ba455c01f56333dc9554810b9b2878daf9ec3ada19c7b065d780d6c9c3c2ecedfd78deb18af40778adf89'
  + 'e861ca';

/** The roots that every instance knows. */
export const BUILT_IN_ROOTS: readonly Cvc[] = parseCvcs(Buffer.from(CARDCONTACT_ROOT, 'hex'), 'the built-in root');
