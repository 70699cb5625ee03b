import java.io.FileOutputStream;
import java.math.BigInteger;
import java.security.Key;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.spec.ECGenParameterSpec;
import java.util.Date;
import javax.crypto.spec.SecretKeySpec;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** Writes one key store of each of Bouncy Castle's kinds, all with the same entries. See README.md. */
public class MakeStores {
  static final char[] STORE = "Gänseblümchen 1".toCharArray();
  static final char[] OTHER = "another 2".toCharArray();

  static KeyPair pair(String algorithm) throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm, "BC");
    if (algorithm.equals("EC")) generator.initialize(new ECGenParameterSpec("P-256"));
    if (algorithm.equals("RSA")) generator.initialize(2048);
    return generator.generateKeyPair();
  }

  static Certificate certificate(String issuer, KeyPair by, String subject, KeyPair of, int serial) throws Exception {
    var builder = new JcaX509v3CertificateBuilder(new X500Principal(issuer), BigInteger.valueOf(serial), new Date(1767225600000L), new Date(2082758400000L), new X500Principal(subject), of.getPublic());
    return new JcaX509CertificateConverter().setProvider("BC").getCertificate(builder.build(new JcaContentSignerBuilder("SHA256withECDSA").setProvider("BC").build(by.getPrivate())));
  }

  public static void main(String[] args) throws Exception {
    Security.addProvider(new BouncyCastleProvider());
    KeyPair root = pair("EC"), leaf = pair("EC"), ed = pair("Ed25519");
    Certificate rootCertificate = certificate("CN=Root", root, "CN=Root", root, 1);
    byte[] counting = new byte[32];
    for (int at = 0; at < counting.length; at++) counting[at] = (byte) at;
    for (String[] one : new String[][] { { "BKS", "bks-2.bks" }, { "BKS-V1", "bks-1.bks" }, { "UBER", "uber.ubr" }, { "BCFKS", "bcfks.bcfks" } }) {
      KeyStore store = KeyStore.getInstance(one[0], "BC");
      store.load(null, null);
      store.setCertificateEntry("root", rootCertificate);
      store.setKeyEntry("server", leaf.getPrivate(), STORE, new Certificate[] { certificate("CN=Root", root, "CN=Server", leaf, 2), rootCertificate });
      store.setKeyEntry("signer", ed.getPrivate(), OTHER, new Certificate[] { certificate("CN=Root", root, "CN=Signer", ed, 3) });
      store.setKeyEntry("aes", new SecretKeySpec(counting, "AES"), STORE, null);
      store.setKeyEntry("mac", new SecretKeySpec(counting, "HmacSHA256"), STORE, null);
      try (FileOutputStream out = new FileOutputStream(args[0] + "/" + one[1])) { store.store(out, STORE); }
    }
  }
}
