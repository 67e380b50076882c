"""Files of a dcm4chee 2 and of a dcm4chee 5, made up after their formats; no line of them is anybody's."""

from collections.abc import Iterator
from pathlib import Path

DUMP = r"""--
-- PostgreSQL database dump
--
SET client_encoding = 'UTF8';
CREATE TABLE public.ae (
    pk bigint NOT NULL,
    aet character varying(250) NOT NULL,
    hostname character varying(250) NOT NULL,
    port integer NOT NULL,
    cipher_suites character varying(250),
    user_id character varying(250),
    passwd character varying(250),
    ae_desc character varying(250)
);
COPY public.ae (pk, aet, hostname, port, cipher_suites, user_id, passwd, ae_desc) FROM stdin;
1	CT1	ct1.example.test	11112	\N	modality	geheim	scanner
2	CDRECORD	localhost	10104	\N	\N	\N	\N
3	WS1	ws1.example.test	104	SSL_RSA	jane	\N	\N
4	BROKEN	x.example.test	0	\N	\N	\N	\N
\.
COPY public.roles (user_id, roles) FROM stdin;
jane	Doctor
jane	WebUser
o'brien	Doctor
admin	GrantPrivileg
bob	GrantOwnPrivileg
bob	client1
\.
COPY public.study_permission (pk, study_iuid, action, roles) FROM stdin;
1	1.2.3	Q	Doctor
2	1.2.3	R	Doctor
3	1.2.3	A	Doctor
4	1.2.4	Q	client1
5	1.2.5	Q	x'); DROP TABLE roles;--
6	1.2.5	Z	Doctor
7		Q	Doctor
\.
COPY public.users (user_id, passwd) FROM stdin;
admin	0DPiKuNIrrVmD8IUCuw1hQxNqZc=
jane	W6ph5Mm5Pz8GgiULbPgzG37mj9g=
bob	W6ph5Mm5Pz8GgiULbPgzG37mj9g=
o'brien	W6ph5Mm5Pz8GgiULbPgzG37mj9g=
\.
"""
WEB_ROLES = """<?xml version="1.0" encoding="UTF-8"?>
<roles>
  <role name="client1" type="StudyPermission" descr="Role for client 1 (Radiology)"/>
  <role name="client2" type="StudyPermission" descr="role for client 2"/>
  <role name="WebUser" type="WebUser" descr="may sign in"/>
</roles>
"""
WEB_XML = """<?xml version="1.0"?>
<!DOCTYPE web-app PUBLIC "-//Sun Microsystems, Inc.//DTD Web Application 2.3//EN" "http://java.sun.com/dtd/web-app_2_3.dtd">
<web-app>
  <servlet>
    <init-param>
      <param-name>enableStudyPermissionCheck</param-name>
      <param-value>true</param-value>
    </init-param>
    <init-param>
      <param-name>disableStudyPermissionCheckForUser</param-name><param-value>admin,bob</param-value>
    </init-param>
  </servlet>
</web-app>
"""
XMBEAN = r"""<mbean>
  <attribute access="read-write">
    <name>UnrestrictedQueryPermissionsToAETitles</name><type>java.lang.String</type>
    <descriptors><value value="CDRECORD\WS1\NOWHERE"/></descriptors>
  </attribute>
  <attribute access="read-write">
    <name>UnrestrictedReadPermissionsToAETitles</name>
    <descriptors><value value="ANY"/></descriptors>
  </attribute>
  <attribute access="read-write">
    <name>DefaultUserID</name><descriptors><value value="-"/></descriptors>
  </attribute>
</mbean>
"""
EXPORTED = "UpdateOnSeriesStored=true\nUnrestrictedAppendPermissionsToAETitles=CT1\n"
STYLESHEET = """<?xml version="1.0"?>
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:param name="calling"/>
  <xsl:template match="/dataset">
    <grants><grant role="Doctor" action="Q,R,A" suid="{attr[@tag='0020000D']}"/></grants>
  </xsl:template>
</xsl:stylesheet>
"""
LDIF = """version: 1

# the archive
dn: dicomDeviceName=arc,cn=Devices,cn=DICOM Configuration,dc=example,dc=test
objectClass: dicomDevice
objectClass: dcmArchiveDevice
dicomDeviceName: arc

dn: dicomAETitle=NORTH,dicomDeviceName=arc,cn=Devices,cn=DICOM Configuration,dc=
 example,dc=test
objectClass: dicomNetworkAE
objectClass: dcmArchiveNetworkAE
dicomAETitle: NORTH
dcmAccessControlID: N1
dcmAccessControlID: SHARED
dcmAcceptedUserRole: north
dcmStoreAccessControlID: N1
dcmGrantAccessPrevStudiesOfPatient: P1Y

dn: dicomAETitle=ALL,dicomDeviceName=arc,cn=Devices,cn=DICOM Configuration,dc=example,dc=test
objectClass: dcmArchiveNetworkAE
dicomAETitle:: QUxM

dn: cn=shared,dicomAETitle=NORTH,dicomDeviceName=arc,cn=Devices,dc=example,dc=test
objectClass: dcmStoreAccessControlIDRule
cn: shared
dcmEntity: Study
dcmStoreAccessControlID: SHARED
dcmRulePriority: 5
dcmProperty: Modality=CT|MR
dcmProperty: SendingApplicationEntityTitle!=CT9

dn: cn=bodies,dicomDeviceName=arc,cn=Devices,dc=example,dc=test
objectClass: dcmStoreAccessControlIDRule
cn: bodies
dcmEntity: Series
dcmStoreAccessControlID: SECRET
dcmProperty: BodyPartExamined=HEAD

dn: cn=ahead,dicomDeviceName=arc,cn=Devices,dc=example,dc=test
objectClass: dcmStoreAccessControlIDRule
cn: ahead
dcmStoreAccessControlID: X
dcmProperty: PatientID=(?!TEST).*
"""

FILES = {
    "pacsdb.sql": DUMP,
    "dcm4chee-webroles-cfg.xml": WEB_ROLES,
    "web.xml": WEB_XML,
    "dcm4chee-qrscp-xmbean.xml": XMBEAN,
    "exported.txt": EXPORTED,
    "series-permission.xsl": STYLESHEET,
}


def written(directory: Path, files: dict[str, str]) -> Iterator[Path]:
    """Write some of them."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = directory / name
        path.write_text(text, encoding="utf-8")
        yield path
