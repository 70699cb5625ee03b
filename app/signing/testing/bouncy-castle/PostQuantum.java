import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Security;
import java.security.Signature;
import java.util.Collections;
import java.util.Date;
import java.util.List;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.CRLReason;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.cert.X509CRLHolder;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.X509v2CRLBuilder;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSignerInfoGeneratorBuilder;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jcajce.interfaces.MLDSAPrivateKey;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.ContentVerifierProvider;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.pkcs.PKCS8EncryptedPrivateKeyInfo;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;
import org.bouncycastle.pkcs.jcajce.JcePKCSPBEInputDecryptorProviderBuilder;

/** Makes and judges what post-quantum keys sign. See README.md. */
public class PostQuantum {
  static final byte[] TEXT = "What Bouncy Castle and Keywright sign for each other\n".getBytes(StandardCharsets.UTF_8);
  static final JcaContentVerifierProviderBuilder VERIFIERS = new JcaContentVerifierProviderBuilder().setProvider("BC");

  public static void main(String[] args) throws Exception {
    Security.addProvider(new BouncyCastleProvider());
    for (String folder : List.of(args).subList(1, args.length)) {
      if (args[0].equals("make")) make(Path.of(folder));
      else judge(Path.of(folder));
    }
  }

  static void make(Path folder) throws Exception {
    String algorithm = folder.getFileName().toString().toUpperCase();
    KeyPair pair = KeyPairGenerator.getInstance(algorithm, "BC").generateKeyPair();
    ContentSigner signer = new JcaContentSignerBuilder(algorithm).setProvider("BC").build(pair.getPrivate());
    var name = new X500Name("CN=" + algorithm);
    var builder = new JcaX509v3CertificateBuilder(name, BigInteger.ONE, new Date(1767225600000L), new Date(2082758400000L), name, pair.getPublic());
    builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(true));
    X509CertificateHolder certificate = builder.build(signer);
    Files.createDirectories(folder);
    Files.write(folder.resolve("certificate.der"), certificate.getEncoded());
    if (pair.getPrivate() instanceof MLDSAPrivateKey key) {
      Files.write(folder.resolve("seed.p8"), key.getPrivateKey(true).getEncoded());
      if (!algorithm.endsWith("65")) return;
      Files.write(folder.resolve("both.p8"), key.getEncoded());
      Files.write(folder.resolve("expanded.p8"), key.getPrivateKey(false).getEncoded());
    } else Files.write(folder.resolve("key.p8"), pair.getPrivate().getEncoded());
    if (!algorithm.endsWith("65")) return;
    Files.write(folder.resolve("request.der"), new JcaPKCS10CertificationRequestBuilder(new X500Principal("CN=Request"), pair.getPublic()).build(signer).getEncoded());
    var list = new X509v2CRLBuilder(name, new Date(1767225600000L)).setNextUpdate(new Date(2082758400000L)).addCRLEntry(BigInteger.TEN, new Date(1767225600000L), CRLReason.keyCompromise);
    Files.write(folder.resolve("list.crl"), list.build(signer).getEncoded());
    var cms = new CMSSignedDataGenerator();
    cms.addSignerInfoGenerator(new JcaSignerInfoGeneratorBuilder(new JcaDigestCalculatorProviderBuilder().setProvider("BC").build()).build(signer, certificate));
    cms.addCertificates(new JcaCertStore(List.of(certificate)));
    Files.write(folder.resolve("signed.p7m"), cms.generate(new CMSProcessableByteArray(TEXT), true).getEncoded());
  }

  static void judge(Path folder) throws Exception {
    var certificate = new X509CertificateHolder(read(folder, "certificate.der"));
    ContentVerifierProvider verifier = VERIFIERS.build(certificate);
    say(folder, "certificate", certificate.isSignatureValid(verifier));
    say(folder, "list", new X509CRLHolder(read(folder, "list.crl")).isSignatureValid(verifier));
    var request = new PKCS10CertificationRequest(read(folder, "request.der"));
    say(folder, "request", request.isSignatureValid(VERIFIERS.build(request.getSubjectPublicKeyInfo())));
    var cms = new CMSSignedData(new CMSProcessableByteArray(TEXT), read(folder, "signed.p7s"));
    for (SignerInformation one : cms.getSignerInfos()) say(folder, "cms", one.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(certificate)));
    var converter = new JcaPEMKeyConverter().setProvider("BC");
    PublicKey publicKey = converter.getPublicKey(certificate.getSubjectPublicKeyInfo());
    say(folder, "key", fits(converter.getPrivateKey(PrivateKeyInfo.getInstance(read(folder, "key.p8"))), publicKey));
    if (!Files.exists(folder.resolve("encrypted.p8"))) return;
    var encrypted = new PKCS8EncryptedPrivateKeyInfo(read(folder, "encrypted.p8"));
    say(folder, "encrypted key", fits(converter.getPrivateKey(encrypted.decryptPrivateKeyInfo(new JcePKCSPBEInputDecryptorProviderBuilder().setProvider("BC").build("a passphrase".toCharArray()))), publicKey));
    var store = KeyStore.getInstance("PKCS12", "BC");
    store.load(Files.newInputStream(folder.resolve("store.p12")), "a passphrase".toCharArray());
    for (String alias : Collections.list(store.aliases())) if (store.isKeyEntry(alias)) say(folder, "store " + alias, fits((PrivateKey) store.getKey(alias, null), publicKey));
  }

  static byte[] read(Path folder, String name) throws IOException {
    return Files.readAllBytes(folder.resolve(name));
  }

  static void say(Path folder, String what, boolean holds) {
    System.out.println(folder.getFileName() + " " + what + ": " + holds);
  }

  static boolean fits(PrivateKey key, PublicKey publicKey) throws Exception {
    Signature signature = Signature.getInstance(key.getAlgorithm(), "BC");
    signature.initSign(key);
    signature.update(TEXT);
    byte[] made = signature.sign();
    signature.initVerify(publicKey);
    signature.update(TEXT);
    return signature.verify(made);
  }
}
